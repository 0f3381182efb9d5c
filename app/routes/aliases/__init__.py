"""Aliases of models over HTTP."""
