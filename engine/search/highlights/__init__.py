"""Highlights: what of a hit's text answers a search, by its words and by what it means."""
