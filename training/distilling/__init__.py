"""Distilling: from a checkpoint to a smaller and faster one that gives nearly its vectors."""
