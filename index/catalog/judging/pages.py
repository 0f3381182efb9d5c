"""Queries and judgments page by page, and what is deleted of them.

Where a page ends is told by ids, so nothing is held between two of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, and_, delete, func, or_, select

from molt.index.catalog import tables
from molt.index.catalog.collection import Collection
from molt.index.catalog.fields import check_id, decode_metadata
from molt.index.catalog.judging.learnt import of_source
from molt.index.catalog.judging.split_name import KNOWN_SPLITS, read_split
from molt.index.catalog.judgments import Judgment, Query
from molt.index.catalog.rows.counters import lock_counters
from molt.index.catalog.storage.database import Database

NO_SPLIT = "none"
"""What stands for judgments without a split."""
_FEW = 50
_JUDGED = tables.judgments.c
_ASKED = tables.queries.c


@dataclass(frozen=True)
class Selection:
    """Which judgments are meant: all that all of these hold for; None holds for any.

    Those of a query, of a split by any of its names, and learnt from a source.
    """

    query_id: str | None = None
    split: str | None = None
    source: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether it leaves none out."""
        return self == ALL_JUDGMENTS


ALL_JUDGMENTS = Selection()


class RelevancePages:
    """Reads and deletes what `Relevance` keeps; each method works on one collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def judgments(
        self,
        collection: Collection,
        selection: Selection = ALL_JUDGMENTS,
        *,
        after: tuple[str, str] | None = None,
        limit: int,
    ) -> list[Judgment]:
        """Up to `limit` judgments by query id and document id, from the first one beyond `after`.

        Raises `InvalidFieldError` for what cannot be an id.
        """
        columns = (_JUDGED.query_id, _JUDGED.doc_id, _JUDGED.grade, _JUDGED.split)
        query = select(*columns).where(*_selected(collection, selection))
        if after is not None:
            query_id, doc_id = (check_id(one, field="after") for one in after)
            same = and_(_JUDGED.query_id == query_id, _JUDGED.doc_id > doc_id)
            query = query.where(
                _JUDGED.query_id >= query_id, or_(_JUDGED.query_id > query_id, same)
            )
        with self._database.reading() as connection:
            found = connection.execute(query.order_by(*columns[:2]).limit(limit))
            return [Judgment(*row) for row in found]

    def queries(
        self,
        collection: Collection,
        *,
        split: str | None = None,
        after: str | None = None,
        limit: int,
        max_chars: int | None = None,
    ) -> list[Query]:
        """Up to `limit` queries by id, from the first one beyond `after`; of a split, those with a
        judgment in it.

        With `max_chars` only the first ones that together have so many characters. Raises
        `InvalidFieldError` for what cannot be an id.
        """
        query = select(_ASKED.query_id, _ASKED.text, _ASKED.metadata)
        query = query.where(_ASKED.collection_id == collection.id)
        if split is not None:
            judged = select(_JUDGED.query_id).where(*_selected(collection, Selection(split=split)))
            query = query.where(_ASKED.query_id.in_(judged))
        if after is not None:
            query = query.where(_ASKED.query_id > check_id(after, field="after"))
        ordered = query.order_by(_ASKED.query_id).limit(limit).execution_options(yield_per=_FEW)
        with self._database.reading() as connection, connection.execute(ordered) as found:
            return list(_first_of(found, max_chars))

    def delete_judgments(self, collection: Collection, selection: Selection) -> int:
        """Delete the judgments that are meant; how many there were."""
        with self._database.writing() as connection:
            lock_counters(connection, collection)
            chosen = delete(tables.judgments).where(*_selected(collection, selection))
            return connection.execute(chosen).rowcount

    def delete_queries(self, collection: Collection, query_ids: Sequence[str]) -> tuple[int, int]:
        """Delete queries with their judgments; how many of both there were."""
        ids = [check_id(one, field="id") for one in query_ids]
        deleted = [0, 0]
        with self._database.writing() as connection:
            lock_counters(connection, collection)
            for at, table in enumerate((tables.queries, tables.judgments)):
                within = table.c.collection_id == collection.id
                for query_id in ids:
                    chosen = delete(table).where(within, table.c.query_id == query_id)
                    deleted[at] += connection.execute(chosen).rowcount
        return deleted[0], deleted[1]


def _first_of(found: Any, max_chars: int | None) -> Iterator[Query]:
    chars = 0
    for number, (query_id, text, metadata) in enumerate(found):
        chars += len(text) + len(metadata)
        if number and max_chars is not None and chars > max_chars:
            return
        yield Query(query_id, text, decode_metadata(metadata))


def _selected(collection: Collection, selection: Selection) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [_JUDGED.collection_id == collection.id]
    if selection.query_id is not None:
        chosen.append(_JUDGED.query_id == check_id(selection.query_id, field="query"))
    if selection.split is not None:
        chosen.append(of_split(_JUDGED.split, selection.split))
    if selection.source is not None:
        chosen.append(of_source(_JUDGED.query_id, selection.source))
    return chosen


def of_split(column: Column[Any], name: str) -> ColumnElement[bool]:
    """What is of a split: by any of its names, in any case; by another name as it is."""
    if name == NO_SPLIT:
        return column.is_(None)
    known = read_split(name)
    if known is None:
        return column == check_id(name, field="split")
    names = [one for one, meant in KNOWN_SPLITS.items() if meant is known]
    return func.lower(func.trim(column)).in_(names)
