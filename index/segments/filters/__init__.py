"""Filters: what a query may ask of documents, how it is written, and which documents it keeps."""
