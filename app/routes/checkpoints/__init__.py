"""Checkpoints over HTTP."""
