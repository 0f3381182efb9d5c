"""Terms: the distinct values of one field in one segment, and which documents have them.

Each value is what it is in the document: a text that says a number stays a text. Made once for each
field and segment, from lines that are sorted already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from molt.index.segments.attributes import Attributes
from molt.index.segments.column import NumberColumn, TextColumn
from molt.index.segments.exact import Mask, Rows
from molt.index.segments.scalar import INT64, ScalarKind, scalar_of

Codes = npt.NDArray[np.int64]
TermValue = str | int | float | bool
"""A value as JSON has it."""

TERM_KINDS = (ScalarKind.NUMBER, ScalarKind.TEXT, ScalarKind.BOOLEAN)
"""The kinds of values in their order: numbers come before texts, and these before booleans."""


@dataclass(frozen=True)
class TermRun:
    """The distinct values of one kind, ascending; the first one is number `start`."""

    kind: ScalarKind
    column: NumberColumn | TextColumn
    start: int

    @property
    def stop(self) -> int:
        """The number after that of the last one."""
        return self.start + len(self.column)

    def values(self, codes: Codes) -> list[TermValue]:
        """The values of these numbers."""
        places = codes - self.start
        if isinstance(self.column, TextColumn):
            return self.column.texts[places].to_list()
        numbers = self.column.values[places].tolist()
        if self.kind is ScalarKind.BOOLEAN:
            return [bool(number) for number in numbers]
        rests = self.column.rests
        beside = [0] * len(numbers) if rests is None else rests[places].tolist()
        return [shown_number(*pair) for pair in zip(numbers, beside, strict=True)]


@dataclass(frozen=True)
class Terms:
    """The values of a field, numbered in their order.

    The documents whose first rows are `rows` `(m,) int64` have the values that `codes` `(m,) int64`
    number, ascending; each document has each value once.
    """

    runs: tuple[TermRun, ...]
    codes: Codes
    rows: Rows

    def __len__(self) -> int:
        return self.runs[-1].stop if self.runs else 0

    def counts(self, documents: Mask) -> Codes:
        """How many of the documents whose first rows `documents` `(n,)` marks have each value."""
        kept = np.flatnonzero(documents[self.rows])  # chooses three times as fast as a mask
        return np.bincount(self.codes[kept], minlength=len(self))

    def values(self, codes: Codes) -> list[TermValue]:
        """The values of some numbers, which ascend."""
        edges = np.searchsorted(codes, [run.stop for run in self.runs])
        parts = np.split(codes, edges[:-1]) if self.runs else []
        return [
            value for run, part in zip(self.runs, parts, strict=True) for value in run.values(part)
        ]

    def find(self, values: Sequence[TermValue]) -> Codes:
        """The number of each value, `(n,)`; -1 where no document has it."""
        found = np.full(len(values), -1, np.int64)
        scalars = [scalar_of(value) for value in values]
        for run in self.runs:
            wanted = [
                (place, scalar)
                for place, scalar in enumerate(scalars)
                if scalar is not None and scalar.kind is run.kind
            ]
            at = run.column.find([scalar for _, scalar in wanted])
            found[[place for place, _ in wanted]] = np.where(at < 0, -1, at + run.start)
        return found

    @cached_property
    def firsts(self) -> tuple[Codes, Rows]:
        """As `codes` and `rows`, but each document with the least of its values alone."""
        if len(self.rows) < 2:
            return self.codes, self.rows
        least = np.full(int(self.rows.max()) + 1, -1, np.int64)
        least[self.rows[::-1]] = self.codes[::-1]  # what is written last remains
        kept = least[self.rows] == self.codes
        return (self.codes, self.rows) if kept.all() else (self.codes[kept], self.rows[kept])


def terms_of(attributes: Attributes, field: str) -> Terms:
    """The terms of a field; there are none where no document has it."""
    runs: list[TermRun] = []
    codes: list[Codes] = []
    rows: list[Rows] = []
    start = 0
    for kind in TERM_KINDS:
        lines = attributes.lines(field, kind)
        if lines.start == lines.stop:
            continue
        run, new = _run(attributes, lines, kind=kind, start=start)
        own, here = start + np.cumsum(new) - 1, attributes.rows[lines]
        once = new | np.concatenate([[True], here[1:] != here[:-1]])
        runs.append(run)
        codes.append(own[once])
        rows.append(here if once.all() else here[once])
        start = run.stop
    return Terms(tuple(runs), *(_joined(parts) for parts in (codes, rows)))


def _joined(parts: Sequence[Codes]) -> Codes:
    """Parts behind each other; one alone is not copied."""
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.int64), *parts])


def remembered_terms(attributes: Attributes, field: str) -> Terms:
    """The same, made once."""
    return attributes.remembered(field, Terms, terms_of)


def shown_number(value: float, rest: int) -> int | float:
    """The number that is `value` plus `rest`, as JSON has it: whole where it is an integer."""
    if value.is_integer() and (whole := int(value) + rest) in INT64:
        return whole
    return value


def _run(
    attributes: Attributes, lines: slice, *, kind: ScalarKind, start: int
) -> tuple[TermRun, Mask]:
    """The distinct values at some lines, and the lines at which there is another one."""
    own = slice(0, lines.stop - lines.start)
    if kind is ScalarKind.TEXT:
        texts = attributes.texts(lines)
        new = differing_texts(texts)
        return TermRun(kind, TextColumn(texts.filter(pl.Series(new)), own), start), new
    numbers, rests = attributes.numbers(lines)
    new = differing(numbers)
    if rests is not None:
        new |= differing(rests)
        rests = rests[new]
    return TermRun(kind, NumberColumn(numbers[new], rests, own, attributes.complete), start), new


def differing(values: npt.NDArray[np.generic]) -> Mask:
    """Where ascending values `(n,)` differ from the one before; the first one does."""
    return np.concatenate([[True], values[1:] != values[:-1]])[: len(values)]


def differing_texts(texts: pl.Series) -> Mask:
    """Where ascending texts differ from the one before; the first one does."""
    return texts.ne_missing(texts.shift(1)).to_numpy().copy()
