"""Applying: patches of documents, so few at a time that their texts fit into memory easily.

Where metadata alone change, title and text are neither read nor written. Works inside a transaction
of its caller.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import Connection, func, select

from molt.index.catalog.collection import Collection
from molt.index.catalog.fields import is_id
from molt.index.catalog.rows.counters import lock_counters, write_counters
from molt.index.catalog.rows.encoding import encode_merged, encode_patched
from molt.index.catalog.rows.patching import DocumentPatch
from molt.index.catalog.rows.reading import (
    CONTENT,
    documents_of,
    fetch_by_id,
    fetch_metadata,
)
from molt.index.catalog.rows.upsert import Upserted, update_rows, upsert_rows
from molt.index.catalog.storage.database import chunks
from molt.index.catalog.tables import documents

Patches = Mapping[str, Sequence[DocumentPatch]]
"""Those of each document by its id, in their order."""

_CHARS = 4 * 2**20
_METADATA = ("metadata",)


def apply_patches(connection: Connection, collection: Collection, patches: Patches) -> Upserted:
    """Change the documents that there are; the revision of each of them by its id.

    Raises `InvalidDocumentError` and `CollectionNotFoundError`.
    """
    revision = lock_counters(connection, collection).revision
    revisions: dict[str, int] = {}
    slight = {one: each for one, each in patches.items() if is_id(one) and not _rewriting(each)}
    whole = {one: each for one, each in patches.items() if is_id(one) and one not in slight}
    for part, columns, apply in ((slight, _METADATA, _merge), (whole, CONTENT, _rewrite)):
        for doc_ids in _batches(connection, collection, list(part), columns):
            done = apply(connection, collection, {one: part[one] for one in doc_ids})
            revision = done.revision
            revisions |= done.revisions
    return Upserted(revision, revisions)


def _rewriting(patches: Sequence[DocumentPatch]) -> bool:
    """Do they change more than metadata?"""
    return any(patch.title is not None or patch.text is not None for patch in patches)


def _batches(
    connection: Connection, collection: Collection, doc_ids: Sequence[str], columns: Sequence[str]
) -> Iterator[list[str]]:
    """Ids of which there are documents, so many that their columns are read at once."""
    chars = reduce(add, (func.length(documents.c[name]) for name in columns))
    query = select(documents.c.doc_id, chars).where(documents_of(collection))
    for chunk in chunks(doc_ids):
        rows = connection.execute(query.where(documents.c.doc_id.in_(chunk)))
        batch: list[str] = []
        room = _CHARS
        for doc_id, size in rows.all():
            if batch and size > room:
                yield batch
                batch, room = [], _CHARS
            batch.append(doc_id)
            room -= size
        if batch:
            yield batch


def _merge(connection: Connection, collection: Collection, patches: Patches) -> Upserted:
    """Change metadata alone."""
    counters = lock_counters(connection, collection)
    kept = fetch_metadata(connection, collection, list(patches))
    revisions = {doc_id: one.revision for doc_id, one in kept.items()}
    changed: list[dict[str, Any]] = []
    for doc_id, one in kept.items():
        encoded = encode_merged(doc_id, one.metadata, patches[doc_id])
        if encoded != one.encoded:
            revisions[doc_id] = counters.revision + len(changed) + 1
            row = {"doc_id": doc_id, "metadata": encoded, "revision": revisions[doc_id]}
            changed.append({**row, "collection_id": collection.id})
    update_rows(connection, changed, _METADATA)
    after = counters.moved(changed=len(changed))
    write_counters(connection, collection, after)
    return Upserted(after.revision, revisions)


def _rewrite(connection: Connection, collection: Collection, patches: Patches) -> Upserted:
    """Change whole documents."""
    found = fetch_by_id(connection, collection, list(patches))
    rows = {
        doc_id: encode_patched(stored.document, patches[doc_id]) for doc_id, stored in found.items()
    }
    return upsert_rows(connection, collection, rows)
