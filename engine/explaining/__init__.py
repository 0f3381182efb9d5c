"""Explaining: what of a query and of a document makes up the score that a search gave it."""
