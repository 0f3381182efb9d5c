"""Molt: semantic search with an encoder that can be fine-tuned, proven and swapped while it serves."""

from importlib.metadata import version

__version__ = version("molt")
