"""Intake: documents from a client into the catalog, and when searches see them.

Owns the acknowledgement. How the documents arrive is said in `endpoints` and `ndjson`.
"""

import asyncio
from collections.abc import Sequence

from molt.app.http.validation import require
from molt.app.routes.documents.schemas import DocumentBody
from molt.app.service import Service
from molt.engine.settings import LimitSettings
from molt.index.catalog.collections import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.documents import Ack

_FIRST_LOOK = 0.002
_LAST_LOOK = 0.05


def to_document(
    body: DocumentBody, limits: LimitSettings, *, place: tuple[str | int, ...] = ()
) -> Document:
    """A document as the index takes it. Raises `InvalidRequestError` where it is too long."""
    require(len(body.text), limits, "max_text_chars", place=(*place, "text"))
    require(len(body.title), limits, "max_text_chars", place=(*place, "title"))
    return Document(id=body.id, text=body.text, title=body.title, metadata=body.metadata)


def keep(service: Service, collection: Collection, documents: Sequence[Document]) -> Ack:
    """Upsert in one transaction; what returns is durable."""
    ack = service.engine.catalog.documents.upsert(collection, documents)
    service.engine.changed(collection.name)
    return ack


async def wait_indexed(service: Service, collection: Collection, revision: int) -> bool:
    """Wait until searches see a revision; False after the setting `limits.wait_seconds`.

    Looks again and again instead of waiting in a thread, so that any number may wait.
    """
    shelf, clock = service.engine.shelf, asyncio.get_running_loop().time
    deadline = clock() + service.settings.limits.wait_seconds
    pause = _FIRST_LOOK
    while not shelf.is_indexed(collection.name, revision=revision):
        if service.stopping or clock() >= deadline:
            return False
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LAST_LOOK)
    return True
