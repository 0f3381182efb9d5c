"""A sort column: what one field says of the order of a segment's documents.

Values are compared by what filters compare them by: a text that is a number or a date is that. Made
once for each field and segment.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from molt.index.segments.attributes import Attributes
from molt.index.segments.column import Column, DateColumn, NumberColumn, TextColumn
from molt.index.segments.exact import Mask, Rows
from molt.index.segments.matches.terms import differing, differing_texts, shown_number
from molt.index.segments.readings import DateSpan
from molt.index.segments.scalar import ID_FIELD, Scalar, ScalarKind, scalar_of

COMPARED_CHARS = 256
"""Of longer texts nothing more is looked at."""
SORT_KINDS = (ScalarKind.NUMBER, ScalarKind.DATE, ScalarKind.TEXT, ScalarKind.BOOLEAN)
"""The kinds of values in their order, which holds where a field has several."""
SortKey = tuple[int, int | float | str]
"""A value and the place of its kind: keys compare as their values do.

A date is its microseconds since 1970, a boolean 0 or 1.
"""


@dataclass(frozen=True)
class SortRun:
    """The distinct values of one kind, ascending; the first one is number `start`."""

    kind: ScalarKind
    column: Column
    start: int

    @property
    def stop(self) -> int:
        """The number after that of the last one."""
        return self.start + len(self.column)

    def key(self, place: int) -> SortKey:
        """The key of one of them."""
        rank, column = SORT_KINDS.index(self.kind), self.column
        if isinstance(column, TextColumn):
            return rank, column.texts[place]
        if isinstance(column, DateColumn):
            return rank, int(column.moments[place])
        rest = 0 if column.rests is None else int(column.rests[place])
        return rank, shown_number(float(column.values[place]), rest)

    def extent(self, value: float | str) -> tuple[int, int]:
        """How many of them are less than `value`, and how many are no more than it."""
        column = self.column
        if isinstance(column, DateColumn):
            moment = DateSpan(int(value), int(value))
            return column.below(moment), column.up_to(moment)
        scalar = scalar_of(value) or Scalar(ScalarKind.NUMBER, 0.0)
        return column.below(scalar), column.up_to(scalar)


@dataclass(frozen=True)
class SortColumn:
    """The values of a field, numbered in their order.

    `least` and `greatest` `(n,) int32` are those of the document that begins at each row, or -1.
    """

    runs: tuple[SortRun, ...]
    least: npt.NDArray[np.int32]
    greatest: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return self.runs[-1].stop if self.runs else 0

    def key(self, code: int) -> SortKey | None:
        """The key of the value of a number; None of -1."""
        for run in self.runs:
            if run.start <= code < run.stop:
                return run.key(code - run.start)
        return None

    def extent(self, key: SortKey) -> tuple[int, int]:
        """How many values are less than that of `key`, and how many are no more than it."""
        rank, value = key
        before = 0
        for run in self.runs:
            own = SORT_KINDS.index(run.kind)
            if own == rank:
                below, up_to = run.extent(value)
                return run.start + below, run.start + up_to
            if own < rank:
                before = run.stop
        return before, before


def sort_column(attributes: Attributes, field: str, *, n_rows: int) -> SortColumn:
    """The order of a segment of `n_rows` by a field."""
    return attributes.remembered(field, SortColumn, lambda own, name: _made(own, name, n_rows))


def _made(attributes: Attributes, field: str, n_rows: int) -> SortColumn:
    runs: list[SortRun] = []
    codes, rows = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    start = 0
    for kind in SORT_KINDS:
        found = _column(attributes, field, kind)
        if found is None:
            continue
        column, new = _distinct(found)
        runs.append(SortRun(kind, column, start))
        codes.append(start + np.cumsum(new) - 1)
        rows.append(attributes.rows[found.lines])
        start += len(column)
    least, greatest = np.full(n_rows, -1, np.int32), np.full(n_rows, -1, np.int32)
    numbers, where = np.concatenate(codes), np.concatenate(rows)
    greatest[where] = numbers  # of what is written to one place the last remains
    least[where[::-1]] = numbers[::-1]
    single = np.array_equal(least, greatest)
    return SortColumn(tuple(runs), least, least if single else greatest)


def _column(attributes: Attributes, field: str, kind: ScalarKind) -> Column | None:
    """The values of one kind, each text by what it says; ids are texts whatever they say."""
    if kind is ScalarKind.TEXT:
        return _other_texts(attributes, field)
    if field == ID_FIELD:
        return None
    return attributes.column(field, kind)


def _other_texts(attributes: Attributes, field: str) -> TextColumn | None:
    """The texts that are neither numbers nor dates."""
    lines = attributes.lines(field, ScalarKind.TEXT)
    texts = attributes.texts(lines)
    places: Rows = np.arange(lines.start, lines.stop)
    if field != ID_FIELD and len(texts):
        numbers, dates = attributes.readings(field)
        kept = np.ones(len(texts), bool)
        kept[numbers.places] = False
        kept[dates.places] = False
        texts, places = texts.filter(pl.Series(kept)), places[kept]
    if not len(texts):
        return None
    return TextColumn(texts.str.slice(0, COMPARED_CHARS), places)


def _distinct(column: Column) -> tuple[Column, Mask]:
    """Each value once, and where in the column there is another one than before."""
    none = slice(0, 0)
    if isinstance(column, TextColumn):
        new = differing_texts(column.texts)
        return TextColumn(column.texts.filter(pl.Series(new)), none), new
    if isinstance(column, DateColumn):
        new = differing(column.moments)
        return DateColumn(column.moments[new], none), new
    new = differing(column.values)
    if column.rests is not None:
        new |= differing(column.rests)
    rests = None if column.rests is None else column.rests[new]
    return NumberColumn(column.values[new], rests, none, column.exact), new
