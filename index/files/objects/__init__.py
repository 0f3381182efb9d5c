"""Rows that are JSON objects: one a line, in an array, or one after the other."""
