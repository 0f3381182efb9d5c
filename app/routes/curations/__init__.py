"""Curations over HTTP."""
