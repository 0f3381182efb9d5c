"""The lexical index of a collection: which words its documents hold, whatever encoder serves."""
