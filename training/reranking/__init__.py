"""Re-ranking: a cross-encoder is fitted to a collection, proven, and judged by what it re-ranks."""
