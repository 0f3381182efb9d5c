"""Intake: documents from a client into the catalog, and when searches see them.

Owns the acknowledgement. How the documents arrive is said in `endpoints` and `ndjson`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from molt.app.http.validation import require
from molt.app.routes.documents.schemas import DocumentBody, PatchBody
from molt.app.service import Service
from molt.engine.sections import LimitSettings
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.documents import Ack
from molt.index.catalog.rows.patching import DocumentPatch
from molt.index.catalog.rows.preconditions import UNCONDITIONAL, Precondition

_FIRST_LOOK = 0.002
_LAST_LOOK = 0.05

MOST_MISSING = 1000
"""So many ids of which there is no document are named."""


@dataclass(frozen=True)
class Written:
    """Documents that are on disk, and the collection's revision since.

    `resent` are those that were in quarantine when they came, perhaps as they were. `missing` are
    ids of which there was no document, the first of `missing_count`. `tag` is the revision of the
    one document that was written, if it was one. `truncated` counts documents of a stream whose
    end the model does not read.
    """

    accepted: int
    revision: int
    resent: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()
    missing_count: int = 0
    tag: int | None = None
    truncated: int = 0

    def then(self, later: "Written") -> "Written":
        """Both of them."""
        missing = (self.missing + later.missing)[:MOST_MISSING]
        return Written(
            self.accepted + later.accepted,
            later.revision,
            self.resent | later.resent,
            missing,
            self.missing_count + later.missing_count,
            truncated=self.truncated + later.truncated,
        )


def to_document(
    body: DocumentBody, limits: LimitSettings, *, place: tuple[str | int, ...] = ()
) -> Document:
    """A document as the index takes it. Raises `InvalidRequestError` where it is too long."""
    named = body.id if place else ""
    for part in ("text", "title"):
        size = len(getattr(body, part))
        require(size, limits, "max_text_chars", place=(*place, part), element=named)
    return Document(id=body.id, text=body.text, title=body.title, metadata=body.metadata)


def to_patch(
    body: PatchBody, limits: LimitSettings, *, place: tuple[str | int, ...] = ()
) -> DocumentPatch:
    """A patch as the index takes it. Raises `InvalidRequestError` where a text is too long."""
    require(len(body.text or ""), limits, "max_text_chars", place=(*place, "text"))
    require(len(body.title or ""), limits, "max_text_chars", place=(*place, "title"))
    return DocumentPatch(body.id, body.metadata or {}, title=body.title, text=body.text)


def keep(
    service: Service,
    collection: Collection,
    documents: Sequence[Document],
    given: Precondition = UNCONDITIONAL,
) -> Written:
    """Upsert in one transaction; what returns is durable."""
    refused = _refused(service, collection)
    ack = service.engine.catalog.documents.upsert(collection, documents, given=given)
    return _written(service, collection, ack, refused)


def keep_patches(
    service: Service,
    collection: Collection,
    patches: Sequence[DocumentPatch],
    given: Precondition = UNCONDITIONAL,
) -> Written:
    """Patch in one transaction; what returns is durable."""
    refused = _refused(service, collection)
    ack = service.engine.catalog.documents.patch(collection, patches, given=given)
    return _written(service, collection, ack, refused)


def _refused(service: Service, collection: Collection) -> frozenset[str]:
    quarantined = service.engine.live_collections.quarantined(collection.name)
    return frozenset(one.doc_id for one in quarantined)


def _written(
    service: Service, collection: Collection, ack: Ack, refused: frozenset[str]
) -> Written:
    service.engine.changed(collection.name)
    revisions = ack.revisions
    return Written(
        ack.accepted,
        ack.revision,
        refused & revisions.keys(),
        ack.missing[:MOST_MISSING],
        len(ack.missing),
        tag=next(iter(revisions.values())) if len(revisions) == 1 else None,
    )


def is_searchable(service: Service, collection: Collection, kept: Written) -> bool:
    """Do searches see all that was kept since `collection` was read?

    Not where a document cannot be encoded. One that somebody else wrote meanwhile may be meant.
    """
    live_collections = service.engine.live_collections
    return live_collections.is_indexed(collection.name, revision=kept.revision) and not any(
        collection.revision < one.revision <= kept.revision or one.doc_id in kept.resent
        for one in live_collections.quarantined(collection.name)
    )


async def wait_indexed(service: Service, collection: Collection, revision: int) -> None:
    """Wait until the index has reached a revision, or for `limits.wait_seconds`.

    Looks again and again instead of waiting in a thread, so that any number may wait.
    """
    live_collections, clock = service.engine.live_collections, asyncio.get_running_loop().time
    deadline = clock() + service.settings.limits.wait_seconds
    pause = _FIRST_LOOK
    while not live_collections.is_indexed(collection.name, revision=revision):
        if service.stopping or clock() >= deadline:
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LAST_LOOK)


async def acknowledge(
    service: Service, collection: Collection, kept: Written, *, wait: bool
) -> dict[str, Any]:
    """What a client is told of a write, once searches see it where that is waited for."""
    if wait:
        await wait_indexed(service, collection, kept.revision)
    indexed = is_searchable(service, collection, kept)
    return {"accepted": kept.accepted, "revision": kept.revision, "indexed": indexed}
