"""The web service: search and embeddings over HTTP. Never imports torch, transformers or training."""
