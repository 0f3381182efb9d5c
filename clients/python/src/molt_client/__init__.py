"""Typed client of Molt, the semantic search service: `Molt`, and `AsyncMolt` for coroutines."""

from molt_client.asynchronous import AsyncMolt
from molt_client.client import Molt
from molt_client.errors import MoltError, Problem, UnreachableError
from molt_client.retrying import Retries
from molt_client.shapes import (
    Document,
    Hit,
    JobEvent,
    SearchAnswer,
    StoredDocument,
    Written,
)

__all__ = [
    "AsyncMolt",
    "Document",
    "Hit",
    "JobEvent",
    "Molt",
    "MoltError",
    "Problem",
    "Retries",
    "SearchAnswer",
    "StoredDocument",
    "UnreachableError",
    "Written",
]
