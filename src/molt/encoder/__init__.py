"""Text to vectors: checkpoints on disk and the runtimes that serve them. Never imports torch."""
