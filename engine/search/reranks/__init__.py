"""Re-ranking: what looks again at the best candidates of a search."""
