"""Rows of documents: read, written, patched and deleted inside a transaction of the caller."""
