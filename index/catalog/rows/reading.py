"""Reading: rows of documents as what they say. Works inside a transaction of its caller."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from math import inf
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Select, cast, select

from molt.index.catalog import tables
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.fields import decode_metadata, is_id
from molt.index.catalog.storage.database import chunks
from molt.index.errors import CatalogError

CHANGED_CHARS = 16 * 2**20
"""So much is indexed at once, however many documents that are."""
CONTENT = ("title", "text", "metadata")
_COLUMNS = tables.documents.c
_CHARS = 4 * 2**20
_ROWS = 16
_DOCUMENTS = 2000
_FEW = 100
_TEXTS = 500
"""So many texts are read at once."""


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


def describe_document(stored: StoredDocument) -> dict[str, Any]:
    """What is said of a document, over HTTP and by commands alike."""
    document = stored.document
    return {
        "id": document.id,
        "title": document.title,
        "text": document.text,
        "metadata": document.metadata,
        "revision": stored.revision,
    }


@dataclass(frozen=True)
class MetadataBatch:
    """Some documents by ordinal, and the id and metadata of each."""

    ordinals: Sequence[int]
    ids: Sequence[str]
    metadata: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class StoredMetadata:
    """The metadata of a live document, as it is `encoded` too, and its revision."""

    revision: int
    metadata: Mapping[str, Any]
    encoded: str


def documents_of(collection: Collection) -> ColumnElement[bool]:
    """The documents of a collection."""
    return _COLUMNS.collection_id == collection.id


def select_documents(collection: Collection) -> Select[tuple[Any, ...]]:
    """A query of a collection's documents, for `fetch_documents` and `stream`."""
    columns = ("ordinal", "revision", "doc_id", *CONTENT)
    return select(*(_COLUMNS[name] for name in columns)).where(documents_of(collection))


def fetch_documents(connection: Connection, query: Select[tuple[Any, ...]]) -> list[StoredDocument]:
    """All that a query of `select_documents` finds."""
    return list(stream(connection, query))


def stream(
    connection: Connection, query: Select[tuple[Any, ...]], max_chars: float = inf
) -> Iterator[StoredDocument]:
    """What is found, up to the document with which they have `max_chars` or more together.

    Where there is such a bound PostgreSQL is not asked for all of it at once.
    """
    options = {"stream_results": max_chars < inf, "max_row_buffer": _ROWS}
    with closing(connection.execute(query, execution_options=options)) as rows:
        for row in rows:
            stored = stored_document(row)
            yield stored
            max_chars -= stored.chars
            if max_chars <= 0:
                return


@dataclass(frozen=True)
class ChangedDocuments:
    """Documents by rising revision; `are_all` where no live one of a later revision is known of."""

    documents: list[StoredDocument]
    are_all: bool

    def reached(self, *, after: int, newest: int) -> int:
        """Up to which revision one is who knew all up to `after`, and `newest` of deletions."""
        last = self.documents[-1].revision if self.documents else after
        return max(last, newest) if self.are_all else last


def read_changed(
    connection: Connection, collection: Collection, *, after: int, limit: int
) -> ChangedDocuments:
    """Up to `limit` documents whose revision exceeds `after`, fewer where they are long."""
    query = select_documents(collection).where(_COLUMNS.revision > after)
    query = query.order_by(_COLUMNS.revision).limit(limit)
    found = list(stream(connection, query, CHANGED_CHARS))
    full = len(found) == limit or sum(one.chars for one in found) >= CHANGED_CHARS
    return ChangedDocuments(found, are_all=not full)


def stored_document(row: Sequence[Any]) -> StoredDocument:
    """A row of `select_documents`. Raises `CatalogError` where its metadata are damaged."""
    ordinal, revision, doc_id, title, text, encoded = row
    document = Document(doc_id, text, title, decoded(doc_id, encoded))
    chars = len(doc_id) + len(title) + len(text) + len(encoded)
    return StoredDocument(ordinal, revision, document, chars)


def fetch_by_id(
    connection: Connection, collection: Collection, doc_ids: Sequence[str]
) -> dict[str, StoredDocument]:
    """The documents of these ids; what is there of none, or cannot be an id, is left out."""
    query = select_documents(collection)
    return {
        found.document.id: found
        for chunk in chunks([one for one in doc_ids if is_id(one)])
        for found in fetch_documents(connection, query.where(_COLUMNS.doc_id.in_(chunk)))
    }


def fetch_metadata(
    connection: Connection, collection: Collection, doc_ids: Sequence[str]
) -> dict[str, StoredMetadata]:
    """The metadata of the documents of these ids that there are; no text is read."""
    names = ("doc_id", "revision", "metadata")
    query = select(*(_COLUMNS[name] for name in names)).where(documents_of(collection))
    return {
        doc_id: StoredMetadata(revision, decoded(doc_id, encoded), encoded)
        for chunk in chunks(doc_ids)
        for doc_id, revision, encoded in connection.execute(query.where(_COLUMNS.doc_id.in_(chunk)))
    }


def read_revisions(
    connection: Connection, collection: Collection, doc_ids: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Ordinal and revision of the documents of these ids that there are."""
    query = select(_COLUMNS.doc_id, _COLUMNS.ordinal, _COLUMNS.revision).where(
        documents_of(collection)
    )
    return {
        doc_id: (ordinal, revision)
        for chunk in chunks([one for one in doc_ids if is_id(one)])
        for doc_id, ordinal, revision in connection.execute(query.where(_COLUMNS.doc_id.in_(chunk)))
    }


def read_metadata(
    connection: Connection, collection: Collection, *, after: int, until: int
) -> MetadataBatch:
    """The metadata of the next documents beyond an ordinal that did not change after `until`.

    Some documents at least, where there are any, and no more than fit into memory easily.
    """
    names = ("ordinal", "doc_id", "metadata")
    query = select(*(_COLUMNS[name] for name in names)).where(documents_of(collection))
    query = query.where(_COLUMNS.ordinal > after, _COLUMNS.revision <= until)
    query = query.order_by(_COLUMNS.ordinal).limit(_DOCUMENTS)
    ordinals, ids, metadata, chars = [], [], [], 0
    with closing(connection.execute(query.execution_options(yield_per=_FEW))) as rows:
        for ordinal, doc_id, encoded in rows:
            ordinals.append(ordinal)
            ids.append(doc_id)
            metadata.append(decoded(doc_id, encoded))
            chars += len(encoded)
            if chars >= _CHARS:
                break
    return MetadataBatch(ordinals, ids, metadata)


def read_stored_texts(
    connection: Connection, collection: Collection, *, after: int
) -> list[StoredText]:
    """The next texts beyond an ordinal, by ordinal; also those that are no UTF-8."""
    names = ("doc_id", "ordinal", "revision", "title", "text")
    columns: list[ColumnElement[Any]] = [_COLUMNS[name] for name in names]
    if connection.dialect.name == "sqlite":  # which decodes what it gives as text, or fails
        columns = [
            column if column.name in {"ordinal", "revision"} else cast(column, LargeBinary)
            for column in columns
        ]
    query = select(*columns).where(documents_of(collection), _COLUMNS.ordinal > after)
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


def decoded(doc_id: str, encoded: str) -> dict[str, Any]:
    """The metadata of a document as they are kept. Raises `CatalogError` where they are damaged."""
    try:
        return decode_metadata(encoded)
    except ValueError:
        raise CatalogError(
            f"the metadata of document {doc_id[:80]!r} is damaged in the catalog; restore a backup"
        ) from None
