"""Relevance: what a team knows about it, kept by collection as it was given.

Documents and queries may come later than the judgments that name them. Derives nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, func, select

from molt.index.catalog import tables
from molt.index.catalog.collection import Collection
from molt.index.catalog.fields import decode_metadata
from molt.index.catalog.judging.pairs import PAIR_COLUMNS, count_pairs
from molt.index.catalog.judgments import (
    Judgment,
    Pair,
    PairKind,
    Query,
    encode_judgment,
    encode_pair,
    encode_query,
)
from molt.index.catalog.rows.counters import lock_counters
from molt.index.catalog.storage.database import Database

_LISTED = 5


@dataclass(frozen=True)
class JudgmentCounts:
    """How much is known about relevance.

    `splits` counts judgments, None for those without one, and `pair_kinds` pairs by what they say.
    """

    queries: int
    judgments: int
    pairs: int
    splits: Mapping[str | None, int]
    pair_kinds: Mapping[PairKind, int]


@dataclass(frozen=True)
class UnknownIds:
    """Judgments that name nothing in their collection, and the first few ids that they name."""

    judgments: int
    ids: tuple[str, ...]


class Relevance:
    """All relevance data of the catalog; each method works on one collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self,
        collection: Collection,
        *,
        queries: Sequence[Query] = (),
        judgments: Sequence[Judgment] = (),
        pairs: Sequence[Pair] = (),
    ) -> int:
        """Keep all of it in one transaction and return how many were given.

        A query with a known id, and a judgment of a known query and document, replace the older
        one; so does a later one in the same call. An equal pair is kept once. Raises
        `InvalidJudgmentError` or `CollectionNotFoundError`, and then keeps nothing.
        """
        rows = {
            tables.queries: [encode_query(query) for query in queries],
            tables.judgments: [encode_judgment(judgment) for judgment in judgments],
            tables.pairs: [encode_pair(pair) for pair in pairs],
        }
        with self._database.writing() as connection:
            lock_counters(connection, collection)
            for table, given in rows.items():
                full = [row | {"collection_id": collection.id} for row in given]
                if full:
                    connection.execute(self._database.insert_or_update(table), full)
        return sum(map(len, rows.values()))

    def counts(self, collection: Collection) -> JudgmentCounts:
        """How much the catalog holds for a collection."""
        columns = tables.judgments.c
        splits = select(columns.split, func.count()).where(columns.collection_id == collection.id)
        with self._database.reading() as connection:
            by_split = connection.execute(splits.group_by(columns.split).order_by(columns.split))
            found: dict[str | None, int] = {row[0]: row[1] for row in by_split}
            asked = _of(select(func.count()), tables.queries, collection)
            queries = connection.scalar(asked) or 0
            pairs = count_pairs(connection, collection)
        judged = sum(found.values())
        return JudgmentCounts(queries, judged, sum(pairs.values()), found, pairs)

    def unknown_documents(self, collection: Collection) -> UnknownIds:
        """The judgments of documents that are not in the collection."""
        return self._unknown(collection, tables.judgments.c.doc_id, tables.documents.c.doc_id)

    def unknown_queries(self, collection: Collection) -> UnknownIds:
        """The judgments of queries that are not in the collection."""
        return self._unknown(collection, tables.judgments.c.query_id, tables.queries.c.query_id)

    def queries(self, collection: Collection) -> list[Query]:
        """All queries in the order of their ids."""
        columns = tables.queries.c
        query = select(columns.query_id, columns.text, columns.metadata)
        with self._database.reading() as connection:
            found = connection.execute(
                _of(query, tables.queries, collection).order_by(columns.query_id)
            )
            return [Query(row[0], row[1], decode_metadata(row[2])) for row in found]

    def graded(self, collection: Collection) -> list[Judgment]:
        """All judgments in the order of their query ids and document ids."""
        columns = tables.judgments.c
        query = select(columns.query_id, columns.doc_id, columns.grade, columns.split)
        with self._database.reading() as connection:
            found = connection.execute(
                _of(query, tables.judgments, collection).order_by(columns.query_id, columns.doc_id)
            )
            return [Judgment(*row) for row in found]

    def pairs(self, collection: Collection) -> list[Pair]:
        """All pairs, in an order that depends on nothing but their content."""
        query = _of(select(*PAIR_COLUMNS), tables.pairs, collection)
        with self._database.reading() as connection:
            found = connection.execute(query.order_by(tables.pairs.c.digest))
            return [Pair(*row) for row in found]

    def _unknown(
        self, collection: Collection, named: ColumnElement[str], known: ColumnElement[str]
    ) -> UnknownIds:
        known_table, judged = known.table, tables.judgments.c
        found = select(known).where(
            known_table.c.collection_id == judged.collection_id, known == named
        )
        lacking = (judged.collection_id == collection.id, ~found.exists())
        count = select(func.count()).select_from(tables.judgments).where(*lacking)
        ids = select(named).where(*lacking).distinct().order_by(named).limit(_LISTED)
        with self._database.reading() as connection:
            return UnknownIds(
                connection.scalar(count) or 0, tuple(connection.execute(ids).scalars())
            )


def _of(query: Select[Any], table: Table, collection: Collection) -> Select[Any]:
    return query.where(table.c.collection_id == collection.id)
