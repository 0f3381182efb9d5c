"""Judgments over HTTP."""
