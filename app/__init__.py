"""The web service: search and embeddings over HTTP.

Never imports torch, and of training the shape of its configuration alone.
"""
