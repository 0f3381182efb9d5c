"""Learnt judgments: what was concluded from use, kept beside what people have said.

They are judgments as any others, of queries whose ids begin with `learnt:` and the name of their
source, so they replace nobody's word, and can be listed, deleted and learnt anew by themselves.
"""

from collections.abc import Sequence
from hashlib import blake2b

from sqlalchemy import ColumnElement, Connection, Table, delete, insert

from molt.index.catalog import tables
from molt.index.catalog.collection import Collection
from molt.index.catalog.fields import check_id
from molt.index.catalog.judging.curations import normalised
from molt.index.catalog.judgments import Judgment, Query, encode_judgment, encode_query
from molt.index.catalog.rows.counters import lock_counters
from molt.index.catalog.storage.database import Database

CLICKS = "clicks"
"""The source of judgments that `molt learn` made of clicks."""


def learnt_query_id(source: str, text: str) -> str:
    """The id of a query that a source knows, alike whatever its capitals and blanks."""
    return _beginning(source) + blake2b(normalised(text).encode(), digest_size=12).hexdigest()


def is_learnt(query_id: str, source: str = CLICKS) -> bool:
    """Was a query, and with it its judgments, learnt from this source?"""
    return query_id.startswith(_beginning(source))


def of_source(column: ColumnElement[str], source: str) -> ColumnElement[bool]:
    """The rows whose query id says that they come from a source."""
    return column.startswith(_beginning(check_id(source, field="source")), autoescape=True)


def _beginning(source: str) -> str:
    return f"learnt:{source}:"


class LearntJudgments:
    """Judgments by their source; each method works on one collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(
        self,
        collection: Collection,
        source: str,
        *,
        queries: Sequence[Query],
        judgments: Sequence[Judgment],
    ) -> int:
        """Keep these in place of all that a source had said, in one transaction; how many judgments
        that were.

        Raises `InvalidJudgmentError` or `CollectionNotFoundError`, and then changes nothing.
        """
        fresh = {
            tables.judgments: [encode_judgment(one) for one in judgments],
            tables.queries: [encode_query(one) for one in queries],
        }
        with self._database.writing() as connection:
            lock_counters(connection, collection)
            gone = [_clear(connection, table, collection, source) for table in fresh]
            for table, rows in fresh.items():
                full = [row | {"collection_id": collection.id} for row in rows]
                if full:
                    connection.execute(insert(table), full)
        return gone[0]


def _clear(connection: Connection, table: Table, collection: Collection, source: str) -> int:
    own = (table.c.collection_id == collection.id, of_source(table.c.query_id, source))
    return connection.execute(delete(table).where(*own)).rowcount
