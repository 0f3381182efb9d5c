"""Documents in the catalog: what is kept, under which ordinal and revision.

Every change of a document takes the next revision of its collection, without gaps. Writers of one
collection take turns; what they return is durable. Knows no vectors.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from math import inf
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    cast,
    delete,
    insert,
    select,
)

from molt.artifact import faultpoint
from molt.index.catalog import tables
from molt.index.catalog.collections import Collection, lock_counters, write_counters
from molt.index.catalog.document import Document, passage_text
from molt.index.catalog.fields import check_id, check_text, decode_metadata, encode_metadata, is_id
from molt.index.catalog.liveness import Liveness, read_liveness
from molt.index.catalog.storage.database import Database, chunks
from molt.index.catalog.upsert import upsert_rows
from molt.index.errors import (
    CatalogError,
    DocumentNotFoundError,
    DuplicateDocumentError,
    InvalidDocumentError,
    InvalidFieldError,
)

_CONTENT = ("title", "text", "metadata")
_COLUMNS = tables.documents.c
_FEW = 8
_TEXTS = 500
"""So many texts are read at once."""


@dataclass(frozen=True)
class Ack:
    """A durable write: how many documents it took, and the collection's revision after it."""

    accepted: int
    revision: int


@dataclass(frozen=True)
class StoredDocument:
    """A live document with its immutable ordinal and the revision of its last change.

    `chars` is about how many characters it has, metadata and all.
    """

    ordinal: int
    revision: int
    document: Document
    chars: int = 0


@dataclass(frozen=True)
class StoredText:
    """A live document without its metadata; title and text are None where they cannot be read."""

    doc_id: str
    ordinal: int
    revision: int
    title: str | None
    text: str | None


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
            revision = upsert_rows(connection, collection, rows)
        faultpoint("ingest.committed")
        return Ack(len(documents), revision)

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
        query = _select(collection).order_by(_COLUMNS.doc_id).limit(limit)
        if after is not None:
            query = query.where(_COLUMNS.doc_id > check_id(after, field="after"))
        with self._database.reading() as connection:
            if max_chars is None:
                return _fetch(connection, query)
            return list(_stored(connection, query.execution_options(yield_per=_FEW), max_chars))

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
                for chunk in chunks([int(ordinal) for ordinal in ordinals])
                for stored in _fetch(connection, query.where(_COLUMNS.ordinal.in_(chunk)))
            }

    def texts(self, collection: Collection) -> Iterator[StoredText]:
        """Every live document's text by ordinal, some at a time; also those that are no UTF-8."""
        after = -1
        while True:
            with self._database.reading() as connection:
                found = _read_texts(connection, collection, after=after)
            yield from found
            if not found:
                return
            after = found[-1].ordinal

    def liveness(self, collection: Collection, *, after: int = -1) -> Liveness:
        """What lives, and what was deleted, by changes since a revision; one consistent state.

        Raises `CollectionNotFoundError`.
        """
        with self._database.reading() as connection:
            return read_liveness(connection, collection, after=after)


def _encode_all(documents: Sequence[Document]) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for document in documents:
        row = encode_document(document)
        if row["doc_id"] in rows:
            raise DuplicateDocumentError(
                f"the document id {document.id!r} comes twice; send each document once"
            )
        rows[document.id] = row
    return rows


def _get(connection: Connection, collection: Collection, doc_id: str) -> StoredDocument:
    query = _select(collection).where(_COLUMNS.doc_id == doc_id)
    found = _fetch(connection, query) if is_id(doc_id) else []
    if not found:
        raise DocumentNotFoundError(f"{collection.name!r} has no document {doc_id[:80]!r}")
    return found[0]


def _select(collection: Collection) -> Select[tuple[Any, ...]]:
    columns = ("ordinal", "revision", "doc_id", *_CONTENT)
    return select(*(_COLUMNS[name] for name in columns)).where(*_within(collection))


def _within(collection: Collection) -> tuple[ColumnElement[bool]]:
    return (_COLUMNS.collection_id == collection.id,)


def _fetch(connection: Connection, query: Select[tuple[Any, ...]]) -> list[StoredDocument]:
    return list(_stored(connection, query))


def _stored(
    connection: Connection, query: Select[tuple[Any, ...]], max_chars: float = inf
) -> Iterator[StoredDocument]:
    """What is found, up to the document with which they have `max_chars` or more together."""
    with closing(connection.execute(query)) as rows:
        for ordinal, revision, doc_id, title, text, encoded in rows:
            document = Document(doc_id, text, title, _decoded(doc_id, encoded))
            chars = len(doc_id) + len(title) + len(text) + len(encoded)
            yield StoredDocument(ordinal, revision, document, chars)
            max_chars -= chars
            if max_chars <= 0:
                return


def _read_texts(connection: Connection, collection: Collection, *, after: int) -> list[StoredText]:
    names = ("doc_id", "ordinal", "revision", "title", "text")
    columns: list[ColumnElement[Any]] = [_COLUMNS[name] for name in names]
    if connection.dialect.name == "sqlite":  # which decodes what it gives as text, or fails
        columns = [
            column if column.name in {"ordinal", "revision"} else cast(column, LargeBinary)
            for column in columns
        ]
    query = select(*columns).where(*_within(collection), _COLUMNS.ordinal > after)
    rows = connection.execute(query.order_by(_COLUMNS.ordinal).limit(_TEXTS))
    return [
        StoredText(_text(doc_id) or "?", ordinal, revision, _text(title), _text(text))
        for doc_id, ordinal, revision, title, text in rows
    ]


def _text(stored: Any) -> str | None:
    """A text as it was stored, or None where it is no UTF-8 any more."""
    if isinstance(stored, str):
        return stored
    try:
        return bytes(stored).decode()
    except (TypeError, ValueError):
        return None


def _decoded(doc_id: str, encoded: str) -> dict[str, Any]:
    try:
        return decode_metadata(encoded)
    except ValueError:
        raise CatalogError(
            f"the metadata of document {doc_id[:80]!r} is damaged in the catalog; restore a backup"
        ) from None
