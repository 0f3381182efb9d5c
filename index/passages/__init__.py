"""Passages: the parts of a long text that an encoder reads as a whole."""
