"""Generations and releases over HTTP."""
