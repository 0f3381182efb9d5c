"""The web service: search and embeddings over HTTP. Never imports torch or training."""
