"""Indexing: who encodes and seals what the catalog holds, and keeps its words."""
