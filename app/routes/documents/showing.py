"""Showing: a document of the catalog as clients see it."""

from typing import Any

from molt.index.catalog.documents import StoredDocument


def describe_document(stored: StoredDocument) -> dict[str, Any]:
    """A `DocumentState`."""
    document = stored.document
    return {
        "id": document.id,
        "title": document.title,
        "text": document.text,
        "metadata": document.metadata,
        "revision": stored.revision,
    }
