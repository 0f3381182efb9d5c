"""Molt: semantic search whose encoder is fine-tuned, proven and swapped while it serves."""

from importlib.metadata import version

__version__ = version("molt")
