"""The catalog floor: documents, relevance, keys, pointers and their history, in one database."""
