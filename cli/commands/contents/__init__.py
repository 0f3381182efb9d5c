"""Commands on collections and the documents in them."""
