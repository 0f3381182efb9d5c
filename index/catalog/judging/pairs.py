"""Pairs as the catalog keeps them: page by page, and what is deleted of them.

A pair has no id of its own: it is named by the digest of its texts. Checks none of them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select

from molt.index.catalog import tables
from molt.index.catalog.collection import Collection
from molt.index.catalog.fields import check_words
from molt.index.catalog.judging.pages import of_split
from molt.index.catalog.judgments import Pair, PairKind
from molt.index.catalog.rows.counters import lock_counters
from molt.index.catalog.storage.database import Database
from molt.index.errors import InvalidFieldError

_COLUMNS = tables.pairs.c
PAIR_COLUMNS = tuple(
    _COLUMNS[name] for name in ("query", "positive", "doc_id", "negative", "score", "split")
)
"""What a `Pair` is made of, in its order."""
_FEW = 50
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True)
class KeptPair:
    """A pair, and the id that it is deleted by: 32 hexadecimal digits."""

    id: str
    pair: Pair


@dataclass(frozen=True)
class PairSelection:
    """Which pairs are meant: all that all of these hold for; None holds for any."""

    id: str | None = None
    query: str | None = None
    kind: PairKind | None = None
    split: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether it leaves none out."""
        return self == ALL_PAIRS


ALL_PAIRS = PairSelection()


class PairPages:
    """Reads and deletes pairs; each method works on one collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        collection: Collection,
        selection: PairSelection = ALL_PAIRS,
        *,
        after: str | None = None,
        limit: int,
        max_chars: int | None = None,
    ) -> list[KeptPair]:
        """Up to `limit` pairs by id, from the first one beyond the id `after`.

        With `max_chars` only the first ones that together have so many characters. Raises
        `InvalidFieldError` for what cannot be an id or the text of a query.
        """
        query = select(_COLUMNS.digest, *PAIR_COLUMNS).where(*_selected(collection, selection))
        if after is not None:
            query = query.where(_COLUMNS.digest > _read_id(after, field="after"))
        ordered = query.order_by(_COLUMNS.digest).limit(limit).execution_options(yield_per=_FEW)
        with self._database.reading() as connection, connection.execute(ordered) as found:
            return list(_first_of(found, max_chars))

    def delete(self, collection: Collection, selection: PairSelection) -> int:
        """Delete the pairs that are meant; how many there were. Raises as `page` does."""
        chosen = delete(tables.pairs).where(*_selected(collection, selection))
        with self._database.writing() as connection:
            lock_counters(connection, collection)
            return connection.execute(chosen).rowcount


def count_pairs(connection: Connection, collection: Collection) -> dict[PairKind, int]:
    """How many pairs there are of each kind."""
    own = select(func.count()).where(_COLUMNS.collection_id == collection.id)
    return {kind: connection.scalar(own.where(_of_kind(kind))) or 0 for kind in PairKind}


def _of_kind(kind: PairKind) -> ColumnElement[bool]:
    contrast, scored = _COLUMNS.negative.is_not(None), _COLUMNS.score.is_not(None)
    if kind is PairKind.POSITIVE:
        return ~contrast & ~scored
    return contrast if kind is PairKind.CONTRAST else scored


def _selected(collection: Collection, selection: PairSelection) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [_COLUMNS.collection_id == collection.id]
    if selection.id is not None:
        chosen.append(_COLUMNS.digest == _read_id(selection.id, field="id"))
    if selection.query is not None:
        chosen.append(_COLUMNS.query == check_words(selection.query, field="query"))
    if selection.kind is not None:
        chosen.append(_of_kind(selection.kind))
    if selection.split is not None:
        chosen.append(of_split(_COLUMNS.split, selection.split))
    return chosen


def _read_id(text: str, *, field: str) -> bytes:
    if not _ID.fullmatch(text):
        raise InvalidFieldError(field, "is no id of a pair: 32 hexadecimal digits")
    return bytes.fromhex(text)


def _first_of(found: Any, max_chars: int | None) -> Iterator[KeptPair]:
    chars = 0
    for number, (digest, *row) in enumerate(found):
        pair = Pair(*row)
        chars += sum(len(text or "") for text in (pair.query, pair.positive, pair.negative))
        if number and max_chars is not None and chars > max_chars:
            return
        yield KeptPair(digest.hex(), pair)
