"""Documents in the catalog: what is kept, under which ordinal and revision.

Every change of a document takes the next revision of its collection, without gaps. Writers of one
collection take turns; what they return is durable. Knows no vectors.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from molt.index import tables
from molt.index.collections import Collection
from molt.index.counters import lock_counters, write_counters
from molt.index.database import Database
from molt.index.document import Document, passage_text
from molt.index.errors import (
    DocumentNotFoundError,
    DuplicateDocumentError,
    InvalidDocumentError,
    InvalidFieldError,
)
from molt.index.fields import check_id, check_text, decode_metadata, encode_metadata
from molt.index.liveness import Liveness, read_liveness

_CHUNK = 1000  # ids in one IN (...): SQLite takes 32,766 parameters, PostgreSQL 65,535
_CONTENT = ("title", "text", "metadata")
_COLUMNS = tables.documents.c
_T = TypeVar("_T")


@dataclass(frozen=True)
class Ack:
    """A durable write: how many documents it took, and the collection's revision after it."""

    accepted: int
    revision: int


@dataclass(frozen=True)
class StoredDocument:
    """A live document with its immutable ordinal and the revision of its last change."""

    ordinal: int
    revision: int
    document: Document


def encode_document(document: Document) -> dict[str, str]:
    """The columns that keep a document; the one check that every writer's documents pass.

    Raises `InvalidDocumentError`, which names the document and the field.
    """
    try:
        return {
            "doc_id": check_id(document.id, field="id"),
            "title": check_text(document.title, field="title"),
            "text": _check_passage(document),
            "metadata": encode_metadata(document.metadata),
        }
    except InvalidFieldError as error:
        raise InvalidDocumentError(document.id, error) from None


def _check_passage(document: Document) -> str:
    text = check_text(document.text, field="text")
    if not passage_text(title=document.title, text=text):
        raise InvalidFieldError("text", "is empty, and so is the title; give one of them")
    return text


class Documents:
    """Every document of the catalog; each method works on one collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert(self, collection: Collection, documents: Sequence[Document]) -> Ack:
        """Keep documents in one transaction; identical ones change nothing, but are accepted.

        Raises `InvalidDocumentError`, `DuplicateDocumentError` or `CollectionNotFoundError`, and
        then keeps none of them.
        """
        rows = _encode_all(documents)
        with self._database.writing() as connection:
            counters = lock_counters(connection, collection)
            kept = _read_contents(connection, collection, list(rows))
            changed = [row for doc_id, row in rows.items() if _content(row) != kept.get(doc_id)]
            for revision, row in enumerate(changed, counters.revision + 1):
                row |= {"collection_id": collection.id, "revision": revision}
            added = [row for row in changed if row["doc_id"] not in kept]
            _insert(connection, added, first_ordinal=counters.next_ordinal)
            _update(connection, [row for row in changed if row["doc_id"] in kept])
            after = counters.moved(changed=len(changed), added=len(added))
            write_counters(connection, collection, after)
            return Ack(len(documents), after.revision)

    def delete(self, collection: Collection, doc_id: str) -> Ack:
        """Delete a document and bury its ordinal. Raises `DocumentNotFoundError`."""
        with self._database.writing() as connection:
            after = lock_counters(connection, collection).moved(changed=0, deleted=1)
            stored = _get(connection, collection, doc_id)
            connection.execute(
                delete(tables.documents).where(*_within(collection), _COLUMNS.doc_id == doc_id)
            )
            grave = {"collection_id": collection.id, "ordinal": stored.ordinal}
            connection.execute(insert(tables.tombstones), grave | {"revision": after.revision})
            write_counters(connection, collection, after)
            return Ack(1, after.revision)

    def get(self, collection: Collection, doc_id: str) -> StoredDocument:
        """One document. Raises `DocumentNotFoundError`."""
        with self._database.reading() as connection:
            return _get(connection, collection, doc_id)

    def page(
        self, collection: Collection, *, after: str | None = None, limit: int
    ) -> list[StoredDocument]:
        """Up to `limit` documents in the order of their ids, from the first one beyond `after`.

        Raises `InvalidFieldError` where `after` cannot be an id.
        """
        query = _select(collection).order_by(_COLUMNS.doc_id).limit(limit)
        if after is not None:
            query = query.where(_COLUMNS.doc_id > check_id(after, field="after"))
        with self._database.reading() as connection:
            return _fetch(connection, query)

    def changed(self, collection: Collection, *, after: int, limit: int) -> list[StoredDocument]:
        """Up to `limit` live documents whose revision exceeds `after`, by rising revision."""
        query = _select(collection).where(_COLUMNS.revision > after)
        with self._database.reading() as connection:
            return _fetch(connection, query.order_by(_COLUMNS.revision).limit(limit))

    def hydrate(self, collection: Collection, ordinals: Sequence[int]) -> dict[int, StoredDocument]:
        """The live documents at these ordinals; one that was deleted is left out."""
        query = _select(collection)
        with self._database.reading() as connection:
            return {
                stored.ordinal: stored
                for chunk in _chunks([int(ordinal) for ordinal in ordinals])
                for stored in _fetch(connection, query.where(_COLUMNS.ordinal.in_(chunk)))
            }

    def liveness(self, collection: Collection, *, after: int = -1) -> Liveness:
        """What lives, and what was deleted, by changes since a revision; one consistent state.

        Raises `CollectionNotFoundError`.
        """
        with self._database.reading() as connection:
            return read_liveness(connection, collection, after=after)


def _encode_all(documents: Sequence[Document]) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for document in documents:
        if document.id in rows:
            raise DuplicateDocumentError(
                f"the document id {document.id!r} comes twice; send each document once"
            )
        rows[document.id] = encode_document(document)
    return rows


def _content(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in _CONTENT)


def _read_contents(
    connection: Connection, collection: Collection, doc_ids: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    query = select(_COLUMNS.doc_id, *(_COLUMNS[name] for name in _CONTENT))
    query = query.where(*_within(collection))
    return {
        doc_id: tuple(content)
        for chunk in _chunks(doc_ids)
        for doc_id, *content in connection.execute(query.where(_COLUMNS.doc_id.in_(chunk)))
    }


def _insert(connection: Connection, rows: Sequence[dict[str, Any]], *, first_ordinal: int) -> None:
    for ordinal, row in enumerate(rows, first_ordinal):
        row["ordinal"] = ordinal
    if rows:
        connection.execute(insert(tables.documents), rows)


def _update(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    statement = (
        update(tables.documents)
        .where(_COLUMNS.collection_id == bindparam("in_collection"))
        .where(_COLUMNS.doc_id == bindparam("of_document"))
        .values({name: bindparam(name) for name in (*_CONTENT, "revision")})
    )
    if rows:
        renamed = {"in_collection": "collection_id", "of_document": "doc_id"}
        keys = [{new: row[old] for new, old in renamed.items()} for row in rows]
        values = [{name: row[name] for name in (*_CONTENT, "revision")} for row in rows]
        connection.execute(
            statement, [key | value for key, value in zip(keys, values, strict=True)]
        )


def _get(connection: Connection, collection: Collection, doc_id: str) -> StoredDocument:
    found: list[StoredDocument] = []
    with suppress(InvalidFieldError):  # what cannot be an id names no document
        query = _select(collection).where(_COLUMNS.doc_id == check_id(doc_id, field="id"))
        found = _fetch(connection, query)
    if not found:
        raise DocumentNotFoundError(f"{collection.name!r} has no document {doc_id[:80]!r}")
    return found[0]


def _select(collection: Collection) -> Select[tuple[Any, ...]]:
    columns = ("ordinal", "revision", "doc_id", *_CONTENT)
    return select(*(_COLUMNS[name] for name in columns)).where(*_within(collection))


def _within(collection: Collection) -> tuple[ColumnElement[bool]]:
    return (_COLUMNS.collection_id == collection.id,)


def _fetch(connection: Connection, query: Select[tuple[Any, ...]]) -> list[StoredDocument]:
    return [
        StoredDocument(ordinal, revision, Document(doc_id, text, title, decode_metadata(encoded)))
        for ordinal, revision, doc_id, title, text, encoded in connection.execute(query)
    ]


def _chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
