"""Evaluation: what a checkpoint is worth on held-out queries, measured as it will serve."""
