"""Judgments: queries, graded query-document judgments, and pairs of a query and what answers it.

What a team knows about relevance, as it was given. Documents and queries may come later than the
judgments that name them. Derives nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson
from sqlalchemy import Select, Table, delete, func, select

from molt.index import tables
from molt.index.collections import Collection
from molt.index.counters import lock_counters
from molt.index.database import Database
from molt.index.errors import InvalidFieldError, InvalidJudgmentError
from molt.index.fields import (
    check_id,
    check_optional_id,
    check_optional_words,
    check_words,
    decode_metadata,
    encode_metadata,
)

MAX_GRADE = 100


@dataclass(frozen=True)
class Query:
    """A query of a test collection, known by its id."""

    id: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgment:
    """How relevant a document is to a query: `grade` 0 (judged, not relevant) to 100.

    `split` names the part of the test collection it belongs to: train, dev, test, or None.
    """

    query_id: str
    doc_id: str
    grade: int
    split: str | None = None


@dataclass(frozen=True)
class Pair:
    """A query text with a text that answers it (`positive`), the document that does, or both."""

    query: str
    positive: str | None = None
    doc_id: str | None = None


@dataclass(frozen=True)
class JudgmentCounts:
    """How much is known about relevance; `splits` counts judgments, None for those without one."""

    queries: int
    judgments: int
    pairs: int
    splits: Mapping[str | None, int]


def encode_query(query: Query) -> dict[str, Any]:
    """The columns that keep a query. Raises `InvalidJudgmentError`, which names the field."""
    with _naming(f"query {query.id!r:.80}"):
        return {
            "query_id": check_id(query.id, field="id"),
            "text": check_words(query.text, field="text"),
            "metadata": encode_metadata(query.metadata),
        }


def encode_judgment(judgment: Judgment) -> dict[str, Any]:
    """The columns that keep a judgment. Raises `InvalidJudgmentError`, which names the field."""
    with _naming(f"judgment of {judgment.doc_id!r:.80} for {judgment.query_id!r:.80}"):
        return {
            "query_id": check_id(judgment.query_id, field="query_id"),
            "doc_id": check_id(judgment.doc_id, field="doc_id"),
            "grade": _check_grade(judgment.grade),
            "split": check_optional_id(judgment.split, field="split"),
        }


def encode_pair(pair: Pair) -> dict[str, Any]:
    """The columns that keep a pair. Raises `InvalidJudgmentError`, which names the field."""
    with _naming(f"pair of {pair.query!r:.80}"):
        if pair.positive is None and pair.doc_id is None:
            raise InvalidFieldError("positive", "is missing, and so is doc_id; give one of them")
        row = {
            "query": check_words(pair.query, field="query"),
            "positive": check_optional_words(pair.positive, field="positive"),
            "doc_id": check_optional_id(pair.doc_id, field="doc_id"),
        }
        return row | {"digest": blake2b(orjson.dumps(row), digest_size=16).digest()}


class Judgments:
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

    def clear(self, collection: Collection) -> None:
        """Forget all queries, judgments and pairs of a collection."""
        with self._database.writing() as connection:
            for table in (tables.queries, tables.judgments, tables.pairs):
                connection.execute(delete(table).where(table.c.collection_id == collection.id))

    def counts(self, collection: Collection) -> JudgmentCounts:
        """How much the catalog holds for a collection."""
        columns = tables.judgments.c
        splits = select(columns.split, func.count()).where(columns.collection_id == collection.id)
        with self._database.reading() as connection:
            found: dict[str | None, int] = dict(
                connection.execute(splits.group_by(columns.split).order_by(columns.split)).tuples()
            )
            queries, pairs = (
                connection.scalar(_of(select(func.count()), table, collection)) or 0
                for table in (tables.queries, tables.pairs)
            )
        return JudgmentCounts(queries, sum(found.values()), pairs, found)

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
        columns = tables.pairs.c
        query = select(columns.query, columns.positive, columns.doc_id)
        with self._database.reading() as connection:
            found = connection.execute(
                _of(query, tables.pairs, collection).order_by(columns.digest)
            )
            return [Pair(*row) for row in found]


def _of(query: Select[Any], table: Table, collection: Collection) -> Select[Any]:
    return query.where(table.c.collection_id == collection.id)


def _check_grade(grade: object) -> int:
    if isinstance(grade, bool) or not isinstance(grade, int) or not 0 <= grade <= MAX_GRADE:
        raise InvalidFieldError(
            "grade", f"must be an integer from 0 (judged, not relevant) to {MAX_GRADE}"
        )
    return grade


@contextmanager
def _naming(what: str) -> Iterator[None]:
    try:
        yield
    except InvalidFieldError as error:
        raise InvalidJudgmentError(f"{what}: {error}") from None
