"""Vectors to documents: the catalog, segments, generations, and search over them.

Never imports the encoder: whoever writes vectors here brings them.
"""
