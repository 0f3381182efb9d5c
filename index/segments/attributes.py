"""Attributes: the filterable metadata of one segment, as an inverted index in one Parquet file.

One line for each value: `field` (dotted path), `kind`, `number` and `rest` or `text`, `row`, the
first row of the document that has it, and `element`, the nested object that it stands in. Lines are
sorted by field, kind and value, so the values of a field are one ascending run, and all with a
value between two bounds lie side by side. Knows nothing of filters: that is `matching`.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from molt.index.segments.attribute_frame import (
    SCHEMA,
    frame_of,
    reduced_frame,
    sorted_frame,
    without_rests,
)
from molt.index.segments.column import Column, DateColumn, NumberColumn, TextColumn
from molt.index.segments.elements import Elements, read_elements
from molt.index.segments.readings import DateReadings, NumberReadings, read_dates, read_numbers
from molt.index.segments.scalar import ID_FIELD, ScalarKind

_T = TypeVar("_T")

_MAX_COUNTED = 8
"""Fields of objects of which it is kept what belongs to which."""
_MAX_REMEMBERED = 32
"""What others have made of fields, and is kept beside them."""


class Readings(NamedTuple):
    """What the texts of a field say besides; each text is a line after the other."""

    numbers: NumberReadings
    dates: DateReadings


class Attributes:
    """Opened attributes: the sorted lines, and where in them each field begins. Immutable.

    They are `complete` where they know ids, nulls, nested objects and the rests of numbers: those
    of segments that earlier versions wrote do not.
    """

    def __init__(self, frame: pl.DataFrame, *, complete: bool = True) -> None:
        self.frame = frame
        self.complete = complete
        self.rows = frame["row"].to_numpy().astype(np.int64)  # indexes three times as fast
        self._numbers = frame["number"].to_numpy()
        known = complete and (frame["rest"] != 0).any()
        self._rests = frame["rest"].to_numpy() if known else None
        self._texts = frame["text"]
        self._runs = _runs(frame)
        self._columns: dict[tuple[str, ScalarKind], Column | None] = {}
        self._counted: dict[str, npt.NDArray[np.int64]] = {}
        self._readings: dict[str, Readings] = {}
        self._remembered: dict[tuple[type, str], Any] = {}

    @cached_property
    def fields(self) -> frozenset[str]:
        """Every field that some document has, by dotted path."""
        return frozenset(self._runs.keys() - {ID_FIELD})

    @cached_property
    def _names(self) -> list[str]:
        return sorted(self._runs)

    @cached_property
    def elements(self) -> Elements:
        """The nested objects."""
        places = np.flatnonzero((self.frame["kind"] == ScalarKind.OBJECT).to_numpy())
        return read_elements(self.frame["element"], self._numbers, places)

    def kinds(self, field: str) -> frozenset[ScalarKind]:
        """The kinds of values that `field` has as they are kept; empty where no document has it."""
        return frozenset(self._runs.get(field, ()))

    def has(self, field: str, kind: ScalarKind) -> bool:
        """Is there a value of `field` that is of a kind, or a text that says one?"""
        return kind in self._runs.get(field, ()) or self.column(field, kind) is not None

    def lines(self, field: str, kind: ScalarKind) -> slice:
        """The lines of a field's values of one kind as they are kept."""
        return self._runs.get(field, {}).get(kind, slice(0, 0))

    def extent(self, field: str) -> slice:
        """All lines of a field."""
        runs = self._runs.get(field, {}).values()
        return slice(min(r.start for r in runs), max(r.stop for r in runs)) if runs else slice(0, 0)

    def within(self, field: str) -> slice:
        """All lines of the fields whose path goes on from that of `field`."""
        first = bisect_left(self._names, f"{field}.")
        after = bisect_left(self._names, f"{field}/")  # what follows a dot
        if first == after:
            return slice(0, 0)
        extents = self.extent(self._names[first]), self.extent(self._names[after - 1])
        return slice(extents[0].start, extents[1].stop)

    def column(self, field: str, kind: ScalarKind) -> Column | None:
        """The values of one kind of a field, or None where there are none.

        Texts that say a number or a date are among those, too.
        """
        run = self._runs.get(field, {})
        if kind is ScalarKind.DATE or (kind is ScalarKind.NUMBER and ScalarKind.TEXT in run):
            return self._read_column(field, kind)
        if kind not in run:
            return None
        lines = run[kind]
        if kind is ScalarKind.TEXT:
            return TextColumn(self._texts[lines], lines)
        rests = self._rests[lines] if self._rests is not None else None
        return NumberColumn(self._numbers[lines], rests, lines, self.complete)

    def elements_of(self, field: str) -> npt.NDArray[np.int64]:
        """Which of the objects of `field` each nested object belongs to (`Elements.counted`)."""
        counted = self._counted.get(field)
        if counted is None:
            counted = self.elements.counted(self.lines(field, ScalarKind.OBJECT))
            if len(self._counted) >= _MAX_COUNTED:
                self._counted.clear()
            self._counted[field] = counted
        return counted

    def readings(self, field: str) -> Readings:
        """What the texts of `field` say besides; read once."""
        if field not in self._readings:
            texts = self._texts[self.lines(field, ScalarKind.TEXT)]
            self._readings[field] = Readings(read_numbers(texts), read_dates(texts))
        return self._readings[field]

    def remembered(self, field: str, kind: type[_T], make: Callable[["Attributes", str], _T]) -> _T:
        """What `make` makes of a field, made once; where that is much, everything is forgotten."""
        found = self._remembered.get((kind, field))
        if found is None:
            found = make(self, field)
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[kind, field] = found
        kept: _T = found
        return kept

    def texts(self, lines: slice) -> pl.Series:
        """The texts of some lines."""
        return self._texts[lines]

    def numbers(self, lines: slice) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int16] | None]:
        """The numbers of some lines, and their rests where any is known."""
        return self._numbers[lines], None if self._rests is None else self._rests[lines]

    def _read_column(self, field: str, kind: ScalarKind) -> Column | None:
        """A column that texts are read for; made once."""
        if (field, kind) not in self._columns:
            make = self._dates if kind is ScalarKind.DATE else self._all_numbers
            self._columns[field, kind] = make(field)
        return self._columns[field, kind]

    def _dates(self, field: str) -> DateColumn | None:
        dates = self.readings(field).dates
        if not len(dates.places):
            return None
        order = np.argsort(dates.moments, kind="stable")
        lines = self.lines(field, ScalarKind.TEXT).start + dates.places[order]
        return DateColumn(dates.moments[order], lines)

    def _all_numbers(self, field: str) -> NumberColumn | None:
        own = self.lines(field, ScalarKind.NUMBER)
        read = self.readings(field).numbers
        values = np.concatenate([self._numbers[own], read.values])
        if not len(values):
            return None
        none = np.zeros(own.stop - own.start, np.int16)
        rests = np.concatenate([none if self._rests is None else self._rests[own], read.rests])
        texts = self.lines(field, ScalarKind.TEXT).start + read.places
        lines = np.concatenate([np.arange(own.start, own.stop), texts])
        order = np.lexsort((rests, values))
        kept = rests[order] if rests.any() else None
        return NumberColumn(values[order], kept, lines[order], self.complete)

    def write(self, path: Path) -> None:
        """Write the lines as Parquet; `rest` and `element` tell that they are complete."""
        frame = self.frame if self.complete else self.frame.drop("rest", "element")
        frame.write_parquet(path, compression="zstd")


def attributes_of(
    metadata: Sequence[Mapping[str, Any]],
    *,
    rows: Sequence[int] | None = None,
    ids: Sequence[str] = (),
) -> Attributes:
    """The attributes of documents whose first rows are `rows` (by default 0, 1, 2, ...).

    `ids` are those of the documents, or none.
    """
    return Attributes(frame_of(metadata, rows=rows, ids=ids))


def read_attributes(path: Path) -> Attributes:
    """Read what `Attributes.write` wrote, in this version or before. The caller verified it."""
    frame = pl.read_parquet(path, memory_map=False)
    complete = {"rest", "element"} <= {*frame.columns}
    if not complete:
        frame = without_rests(frame)
    return Attributes(frame.select(SCHEMA.names()), complete=complete)


def merged_attributes(parts: Iterable[tuple[Attributes, npt.NDArray[np.int64]]]) -> Attributes:
    """Several attributes as one; each comes with the new row of each of its rows, -1 if dropped.

    With one that is not complete, the others lose what it does not know.
    """
    frames = [pl.DataFrame(schema=SCHEMA)]
    objects, complete = 0, True
    for attributes, new_rows in parts:
        moved = pl.Series("row", new_rows[attributes.rows])
        here = attributes.frame.with_columns(moved).filter(pl.col("row") >= 0)
        numbered = attributes.elements.renumbered(here, start=objects)
        objects += int((here["kind"] == ScalarKind.OBJECT).sum())
        frames.append(numbered.cast(SCHEMA))
        complete = complete and attributes.complete
    merged = pl.concat(frames)
    return Attributes(
        sorted_frame(merged if complete else reduced_frame(merged)), complete=complete
    )


def _runs(frame: pl.DataFrame) -> dict[str, dict[ScalarKind, slice]]:
    runs: dict[str, dict[ScalarKind, slice]] = {}
    start = 0
    for field, kind, length in frame.group_by("field", "kind", maintain_order=True).len().rows():
        runs.setdefault(field, {})[ScalarKind(kind)] = slice(start, start + length)
        start += length
    return runs
