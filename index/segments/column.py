"""A column: the values of one kind that one field has, ascending, and where each of them is."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from molt.index.segments.readings import DateSpan
from molt.index.segments.scalar import Scalar

LineNumbers = npt.NDArray[np.int64] | slice
"""Which lines of the attributes: their numbers."""

Extent = tuple[int, int]
_Places = npt.NDArray[Any]
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class TextColumn:
    """Texts, ascending by code point."""

    texts: pl.Series
    lines: LineNumbers

    def __len__(self) -> int:
        return len(self.texts)

    def below(self, value: Scalar) -> int:
        """How many texts are less than `value`."""
        return bisect_left(self.texts, value.value)

    def up_to(self, value: Scalar) -> int:
        """How many texts are less than or equal to `value`."""
        return bisect_right(self.texts, value.value)

    def equal(self, values: Iterable[Scalar]) -> list[Extent]:
        """Where each of `values` that is there begins and ends."""
        wanted = pl.Series([value.value for value in values], dtype=pl.String)
        return _spans(
            self.texts.search_sorted(wanted, "left").to_numpy(),
            self.texts.search_sorted(wanted, "right").to_numpy(),
        )

    def find(self, values: Sequence[Scalar]) -> npt.NDArray[np.int64]:
        """Where each of `values` is first, `(n,)`; -1 where it is not."""
        wanted = pl.Series([value.value for value in values], dtype=pl.String)
        return _found(
            self.texts.search_sorted(wanted, "left").to_numpy(),
            self.texts.search_sorted(wanted, "right").to_numpy(),
        )

    def beginning(self, prefix: str) -> Extent:
        """Where the texts that begin with `prefix` begin and end."""
        after = _successor(prefix)
        stop = len(self.texts) if after is None else bisect_left(self.texts, after)
        return bisect_left(self.texts, prefix), stop

    def containing(self, part: str) -> npt.NDArray[np.bool_]:
        """Which texts `(n,)` contain `part`; looks at each of them."""
        return self.texts.str.contains(part, literal=True).to_numpy()


@dataclass(frozen=True)
class NumberColumn:
    """Numbers, ascending: each is one of `values` plus, where there are `rests`, one of them.

    Where they are not `exact` nobody knows the rests, and numbers are equal if their values are.
    """

    values: npt.NDArray[np.float64]
    rests: npt.NDArray[np.int16] | None
    lines: LineNumbers
    exact: bool = True

    def __len__(self) -> int:
        return len(self.values)

    def below(self, value: Scalar) -> int:
        """How many numbers are less than `value`."""
        return int(self._spans_of([value])[0][0])

    def up_to(self, value: Scalar) -> int:
        """How many numbers are less than or equal to `value`."""
        return int(self._spans_of([value])[1][0])

    def equal(self, values: Iterable[Scalar]) -> list[Extent]:
        """Where each of `values` that is there begins and ends."""
        return _spans(*self._spans_of(list(values)))

    def find(self, values: Sequence[Scalar]) -> npt.NDArray[np.int64]:
        """Where each of `values` is first, `(n,)`; -1 where it is not."""
        return _found(*self._spans_of(values))

    def _spans_of(self, wanted: Sequence[Scalar]) -> tuple[_Places, _Places]:
        """How many numbers are less than each value, and how many are no more than it."""
        numbers = np.array([value.value for value in wanted], np.float64)
        starts = np.searchsorted(self.values, numbers, "left")
        stops = np.searchsorted(self.values, numbers, "right")
        if not self.exact:
            return starts, stops
        rests = np.array([value.rest for value in wanted], np.int64)
        if self.rests is None:
            return np.where(rests > 0, stops, starts), np.where(rests < 0, starts, stops)
        return (
            _bisected(self.rests, rests, starts, stops),
            _bisected(self.rests, rests + 1, starts, stops),
        )


def _bisected(
    values: npt.NDArray[np.int16], wanted: _Places, starts: _Places, stops: _Places
) -> _Places:
    """For each wanted one where it would stand within its own run of ascending `values`."""
    while (open_ := starts < stops).any():
        middle = (starts + stops) // 2
        less = open_ & (values[np.minimum(middle, len(values) - 1)] < wanted)
        stops = np.where(open_ & ~less, middle, stops)
        starts = np.where(less, middle + 1, starts)
    return starts


@dataclass(frozen=True)
class DateColumn:
    """When dates begin, ascending, in microseconds since 1970."""

    moments: npt.NDArray[np.int64]
    lines: LineNumbers

    def __len__(self) -> int:
        return len(self.moments)

    def below(self, date: DateSpan) -> int:
        """How many dates begin before `date` does."""
        return int(np.searchsorted(self.moments, date.first, "left"))

    def up_to(self, date: DateSpan) -> int:
        """How many dates begin before `date` has ended."""
        return int(np.searchsorted(self.moments, date.last, "right"))

    def equal(self, dates: Iterable[DateSpan]) -> list[Extent]:
        """Where the dates that begin within each of `dates`, if any, begin and end."""
        spans = np.array([(date.first, date.last) for date in dates], np.int64).reshape(-1, 2)
        return _spans(
            np.searchsorted(self.moments, spans[:, 0], "left"),
            np.searchsorted(self.moments, spans[:, 1], "right"),
        )


Column = TextColumn | NumberColumn | DateColumn


def lines_at(lines: LineNumbers, start: int, stop: int) -> LineNumbers:
    """The numbers of the lines `start` to `stop` of a column."""
    if isinstance(lines, slice):
        return slice(lines.start + start, lines.start + stop)
    return lines[start:stop]


def _spans(starts: npt.NDArray[Any], stops: npt.NDArray[Any]) -> list[Extent]:
    """Those that are not empty."""
    held = starts < stops
    return list(zip(starts[held].tolist(), stops[held].tolist(), strict=True))


def _found(starts: npt.NDArray[Any], stops: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The starts of those that are not empty, and -1."""
    return np.where(starts < stops, starts.astype(np.int64), -1)


def _successor(prefix: str) -> str | None:
    """The least text beyond all that begin with `prefix`; None where there is none."""
    kept = prefix.rstrip(_LAST)
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)
