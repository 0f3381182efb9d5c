"""Exporting: all that a collection holds, as it stood at one moment, some rows at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from molt.index.catalog import tables
from molt.index.catalog.collection import Collection, find_collection
from molt.index.catalog.document import Document
from molt.index.catalog.fields import decode_metadata
from molt.index.catalog.judging.pairs import PAIR_COLUMNS
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.catalog.rows.reading import select_documents, stream
from molt.index.catalog.storage.database import Database

_FEW = 100
_MANY = 2000


@dataclass(frozen=True)
class CollectionRecords:
    """What a collection holds; every stream is of the one moment and begins anew."""

    connection: Connection
    collection: Collection

    def documents(self) -> Iterator[Document]:
        """Every document, those first that came first."""
        query = select_documents(self.collection).order_by(tables.documents.c.ordinal)
        found = stream(self.connection, query.execution_options(yield_per=_FEW))
        return (stored.document for stored in found)

    def queries(self) -> Iterator[Query]:
        """Every query in the order of their ids."""
        columns = tables.queries.c
        query = select(columns.query_id, columns.text, columns.metadata).order_by(columns.query_id)
        rows = self._rows(query, tables.queries)
        return (Query(query_id, text, decode_metadata(rest)) for query_id, text, rest in rows)

    def judgments(self) -> Iterator[Judgment]:
        """Every judgment in the order of their query ids and document ids."""
        columns = tables.judgments.c
        query = select(columns.query_id, columns.doc_id, columns.grade, columns.split)
        ordered = query.order_by(columns.query_id, columns.doc_id)
        return (Judgment(*row) for row in self._rows(ordered, tables.judgments))

    def pairs(self) -> Iterator[Pair]:
        """Every pair, in an order that depends on nothing but their content."""
        query = select(*PAIR_COLUMNS).order_by(tables.pairs.c.digest)
        return (Pair(*row) for row in self._rows(query, tables.pairs))

    def splits(self) -> list[str | None]:
        """What parts of a test collection the judgments belong to."""
        found = self._rows(select(tables.judgments.c.split).distinct(), tables.judgments)
        return [split for (split,) in found]

    def _rows(self, query: Select[Any], table: Table) -> Iterator[Any]:
        own = query.where(table.c.collection_id == self.collection.id)
        with self.connection.execute(own.execution_options(yield_per=_MANY)) as rows:
            yield from rows


@contextmanager
def reading_records(database: Database, name: str) -> Iterator[CollectionRecords]:
    """A collection as it is when the block begins. Raises `CollectionNotFoundError`.

    Nobody who writes waits for it; what is written meanwhile is kept in SQLite's log until the
    block ends.
    """
    with database.reading() as connection:
        yield CollectionRecords(connection, find_collection(connection, name))
