"""Releases: moving the pointer of a collection to a generation that is there."""
