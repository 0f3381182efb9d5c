"""Models: the names under which embeddings may be asked for, and what they stand for."""
