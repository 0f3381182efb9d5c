"""Suggestions: how queries are completed, and by what."""
