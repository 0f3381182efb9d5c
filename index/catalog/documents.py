"""Documents in the catalog: what is kept, under which ordinal and revision.

Every change of a document takes the next revision of its collection, without gaps. Writers of one
collection take turns; what they return is durable. Knows no vectors.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from molt.artifact import faultpoint
from molt.index.catalog import tables
from molt.index.catalog.collection import Collection, require_revision
from molt.index.catalog.document import Document
from molt.index.catalog.fields import check_id, is_id
from molt.index.catalog.rows.applying import apply_patches
from molt.index.catalog.rows.counters import Counters, lock_counters
from molt.index.catalog.rows.deleting import delete_rows, unchanged_since
from molt.index.catalog.rows.encoding import encode_all, encode_document
from molt.index.catalog.rows.hydrating import hydrate
from molt.index.catalog.rows.patching import DocumentPatch, by_document
from molt.index.catalog.rows.preconditions import (
    UNCONDITIONAL,
    Precondition,
    require_documents,
)
from molt.index.catalog.rows.reading import (
    ChangedDocuments,
    MetadataBatch,
    StoredDocument,
    StoredText,
    fetch_by_id,
    fetch_documents,
    read_changed,
    read_metadata,
    read_revisions,
    read_stored_texts,
    select_documents,
    stream,
)
from molt.index.catalog.rows.upsert import upsert_rows
from molt.index.catalog.storage.database import Database
from molt.index.errors import DocumentNotFoundError

if TYPE_CHECKING:
    from molt.index.catalog.rows.liveness import Liveness

__all__ = ["Ack", "Documents", "StoredDocument", "StoredText", "encode_document"]

_COLUMNS = tables.documents.c
_FEW = 8


@dataclass(frozen=True)
class Ack:
    """A durable write: how many documents it took, and the collection's revision after it.

    `missing` are ids of which there was no document; `revisions` those of documents by their ids,
    where the write leaves them there.
    """

    accepted: int
    revision: int
    missing: tuple[str, ...] = ()
    revisions: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Chosen:
    """Documents, and how many of the ids that were asked for have been looked at."""

    documents: list[StoredDocument]
    looked_at: int


class Documents:
    """Every document of the catalog; each method works on one collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert(
        self,
        collection: Collection,
        documents: Sequence[Document],
        *,
        given: Precondition = UNCONDITIONAL,
    ) -> Ack:
        """Keep documents in one transaction; identical ones change nothing, but are accepted.

        Raises `InvalidDocumentError`, `DuplicateDocumentError`, `CollectionNotFoundError` or
        `PreconditionFailedError`, and then keeps none of them.
        """
        rows = encode_all(documents)
        with self._database.writing() as connection:
            _begin(connection, collection, list(rows), given)
            upserted = upsert_rows(connection, collection, rows)
        faultpoint("ingest.committed")
        return Ack(len(documents), upserted.revision, revisions=upserted.revisions)

    def patch(
        self,
        collection: Collection,
        patches: Sequence[DocumentPatch],
        *,
        given: Precondition = UNCONDITIONAL,
    ) -> Ack:
        """Change parts of documents in one transaction, each document's in the order given.

        Raises as `upsert` does, but that an id may come twice, and then changes none of them.
        """
        wanted = by_document(patches)
        with self._database.writing() as connection:
            _begin(connection, collection, list(wanted), given)
            applied = apply_patches(connection, collection, wanted)
        missing = tuple(doc_id for doc_id in wanted if doc_id not in applied.revisions)
        accepted = sum(len(wanted[doc_id]) for doc_id in applied.revisions)
        return Ack(accepted, applied.revision, missing, applied.revisions)

    def delete(
        self, collection: Collection, doc_id: str, *, given: Precondition = UNCONDITIONAL
    ) -> Ack:
        """Delete a document and bury its ordinal.

        Raises `DocumentNotFoundError` or `PreconditionFailedError`.
        """
        with self._database.writing() as connection:
            counters = _begin(connection, collection, [doc_id], given)
            stored = _get(connection, collection, doc_id)
            after = delete_rows(connection, collection, counters, [stored.ordinal])
            return Ack(1, after.revision)

    def delete_many(
        self,
        collection: Collection,
        doc_ids: Sequence[str],
        *,
        given: Precondition = UNCONDITIONAL,
    ) -> Ack:
        """Delete the documents of these ids that there are, in one transaction.

        Raises `PreconditionFailedError`.
        """
        wanted = list(dict.fromkeys(doc_ids))
        with self._database.writing() as connection:
            counters = _begin(connection, collection, wanted, given)
            found = read_revisions(connection, collection, wanted)
            doomed = [ordinal for ordinal, _ in found.values()]
            after = delete_rows(connection, collection, counters, doomed)
        return Ack(len(doomed), after.revision, tuple(one for one in wanted if one not in found))

    def delete_at(
        self,
        collection: Collection,
        ordinals: Sequence[int],
        *,
        revision: int,
        match: frozenset[int] | None = None,
    ) -> Ack:
        """Delete the documents at these ordinals that were not changed after `revision`.

        Raises `PreconditionFailedError` unless the collection has one of the revisions `match`.
        """
        with self._database.writing() as connection:
            counters = lock_counters(connection, collection)
            require_revision(replace(collection, revision=counters.revision), match)
            doomed = unchanged_since(connection, collection, ordinals, revision=revision)
            after = delete_rows(connection, collection, counters, doomed)
        return Ack(len(doomed), after.revision)

    def get(self, collection: Collection, doc_id: str) -> StoredDocument:
        """One document. Raises `DocumentNotFoundError`."""
        with self._database.reading() as connection:
            return _get(connection, collection, doc_id)

    def get_many(self, collection: Collection, doc_ids: Sequence[str], *, max_chars: int) -> Chosen:
        """The documents of these ids that there are, in that order.

        Only the first ones that together have `max_chars` characters.
        """
        found: list[StoredDocument] = []
        with self._database.reading() as connection:
            for start in range(0, len(doc_ids), _FEW):
                part = doc_ids[start : start + _FEW]
                stored = fetch_by_id(connection, collection, part)
                for place, doc_id in enumerate(part, start + 1):
                    if doc_id in stored:
                        found.append(stored[doc_id])
                        max_chars -= stored[doc_id].chars
                    if max_chars <= 0:
                        return Chosen(found, place)
        return Chosen(found, len(doc_ids))

    def ordinals(self, collection: Collection, doc_ids: Sequence[str]) -> dict[str, int]:
        """The ordinals of the documents of these ids that there are, in that order."""
        with self._database.reading() as connection:
            found = read_revisions(connection, collection, doc_ids)
        return {doc_id: found[doc_id][0] for doc_id in doc_ids if doc_id in found}

    def page(
        self,
        collection: Collection,
        *,
        after: str | None = None,
        limit: int,
        max_chars: int | None = None,
    ) -> list[StoredDocument]:
        """Up to `limit` documents in the order of their ids, from the first one beyond `after`.

        With `max_chars` only the first ones that together have so many characters.
        Raises `InvalidFieldError` where `after` cannot be an id.
        """
        query = select_documents(collection).order_by(_COLUMNS.doc_id).limit(limit)
        if after is not None:
            query = query.where(_COLUMNS.doc_id > check_id(after, field="after"))
        with self._database.reading() as connection:
            if max_chars is None:
                return fetch_documents(connection, query)
            few = query.execution_options(yield_per=_FEW)
            return list(stream(connection, few, max_chars))

    def changed(self, collection: Collection, *, after: int, limit: int) -> ChangedDocuments:
        """Up to `limit` live documents whose revision exceeds `after`, by rising revision.

        Fewer where they are long: no more than `CHANGED_CHARS` and one document together.
        """
        with self._database.reading() as connection:
            return read_changed(connection, collection, after=after, limit=limit)

    def hydrate(self, collection: Collection, ordinals: Sequence[int]) -> dict[int, StoredDocument]:
        """The live documents at these ordinals; one that was deleted is left out."""
        return hydrate(self._database, collection, ordinals)

    def texts(self, collection: Collection) -> Iterator[StoredText]:
        """Every live document's text by ordinal, some at a time; also those that are no UTF-8."""
        after = -1
        while True:
            with self._database.reading() as connection:
                found = read_stored_texts(connection, collection, after=after)
            yield from found
            if not found:
                return
            after = found[-1].ordinal

    def metadata(self, collection: Collection) -> Iterator[MetadataBatch]:
        """The metadata of all documents that did not change since `collection` was read."""
        after = -1
        while True:
            with self._database.reading() as connection:
                batch = read_metadata(
                    connection, collection, after=after, until=collection.revision
                )
            if not batch.ordinals:
                return
            yield batch
            after = batch.ordinals[-1]

    def liveness(self, collection: Collection, *, after: int = -1) -> "Liveness":
        """What lives, and what was deleted, by changes since a revision; one consistent state.

        Raises `CollectionNotFoundError`.
        """
        from molt.index.catalog.rows.liveness import read_liveness  # noqa: PLC0415  loads numpy

        with self._database.reading() as connection:
            return read_liveness(connection, collection, after=after)


def _get(connection: Connection, collection: Collection, doc_id: str) -> StoredDocument:
    query = select_documents(collection).where(_COLUMNS.doc_id == doc_id)
    found = fetch_documents(connection, query) if is_id(doc_id) else []
    if not found:
        raise DocumentNotFoundError(f"{collection.name!r} has no document {doc_id[:80]!r}")
    return found[0]


def _begin(
    connection: Connection, collection: Collection, doc_ids: Sequence[str], given: Precondition
) -> Counters:
    """Keep other writers out; raise `PreconditionFailedError` unless these may be written."""
    counters = lock_counters(connection, collection)
    require_documents(given, connection, collection, doc_ids, revision=counters.revision)
    return counters
