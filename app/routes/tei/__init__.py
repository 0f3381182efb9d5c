"""The routes of text-embeddings-inference that its unchanged clients call."""
