"""Matches: what is said of all documents that a search matches: counted, sorted and grouped."""
