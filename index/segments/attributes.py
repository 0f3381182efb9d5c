"""Attributes: the filterable metadata of one segment, as an inverted index in one Parquet file.

One line for each value: `field` (dotted path), `kind`, `number` or `text`, and `row`, the first
row of the document that has it. Lines are sorted by field, kind, value and row, so the values of
a field are one ascending run, and all rows with a value between two bounds lie side by side.
Knows nothing of filters: that is `matching`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from molt.index.segments.scalar import MAX_FIELD_LENGTH, Kind, Scalar, scalar_of, storable

MAX_DEPTH = 16

_SCHEMA = pl.Schema(
    {
        "field": pl.String,
        "kind": pl.String,
        "number": pl.Float64,
        "text": pl.String,
        "row": pl.UInt32,
    }
)
_ORDER = ["field", "kind", "number", "text", "row"]


@dataclass(frozen=True)
class Column:
    """The values of one kind that one field has: `values` ascending, beside them their `rows`."""

    values: npt.NDArray[np.float64] | pl.Series
    rows: npt.NDArray[np.int64]

    def spans(self, values: Sequence[float | str]) -> list[tuple[int, int]]:
        """Where each of `values` begins and ends, in their order."""
        starts, ends = self._places(values, "left"), self._places(values, "right")
        return list(zip(starts.tolist(), ends.tolist(), strict=True))

    def _places(
        self, values: Sequence[float | str], side: Literal["left", "right"]
    ) -> npt.NDArray[np.integer[Any]]:
        if isinstance(self.values, pl.Series):
            return self.values.search_sorted(pl.Series(values, dtype=pl.String), side).to_numpy()
        return np.searchsorted(self.values, np.array(values, dtype=np.float64), side)

    def below(self, value: float | str) -> int:
        """How many values are less than `value`."""
        if isinstance(self.values, pl.Series):
            return bisect_left(self.values, value)
        return int(np.searchsorted(self.values, float(value), side="left"))

    def up_to(self, value: float | str) -> int:
        """How many values are less than or equal to `value`."""
        if isinstance(self.values, pl.Series):
            return bisect_right(self.values, value)
        return int(np.searchsorted(self.values, float(value), side="right"))


class Attributes:
    """Opened attributes: the sorted lines, and where in them each field begins. Immutable."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self._rows = frame["row"].to_numpy().astype(np.int64)  # indexes three times as fast
        self._numbers = frame["number"].to_numpy()
        self._texts = frame["text"]
        self._runs = _runs(frame)

    @property
    def fields(self) -> Iterable[str]:
        """Every field that some document has, by dotted path."""
        return self._runs.keys()

    def kinds(self, field: str) -> frozenset[Kind]:
        """The kinds of values that `field` has; empty where no document has it."""
        return frozenset(self._runs.get(field, ()))

    def column(self, field: str, kind: Kind) -> Column | None:
        """The values of one kind of a field, or None where there are none."""
        run = self._runs.get(field, {}).get(kind)
        if run is None:
            return None
        values = self._texts[run] if kind is Kind.TEXT else self._numbers[run]
        return Column(values, self._rows[run])

    def rows_with(self, field: str) -> npt.NDArray[np.int64]:
        """The rows that have any value of `field`, possibly repeated."""
        runs = self._runs.get(field)
        if not runs:
            return self._rows[:0]
        starts = [run.start for run in runs.values()]
        stops = [run.stop for run in runs.values()]
        return self._rows[min(starts) : max(stops)]

    def write(self, path: Path) -> None:
        """Write the lines as Parquet."""
        self.frame.write_parquet(path, compression="zstd")


def attributes_of(
    metadata: Sequence[Mapping[str, Any]], *, rows: Sequence[int] | None = None
) -> Attributes:
    """The attributes of documents whose first rows are `rows` (by default 0, 1, 2, ...)."""
    places = range(len(metadata)) if rows is None else rows
    lines = [
        (field, str(scalar.kind), *_halves(scalar), row)
        for row, values in zip(places, metadata, strict=True)
        for field, scalar in flatten(values)
    ]
    columns = zip(*lines, strict=True) if lines else [()] * len(_SCHEMA)
    return _sorted(pl.DataFrame(dict(zip(_SCHEMA, columns, strict=True)), schema=_SCHEMA))


def read_attributes(path: Path) -> Attributes:
    """Read what `Attributes.write` wrote. The caller has verified the file."""
    return Attributes(pl.read_parquet(path, memory_map=False))


def merged_attributes(parts: Iterable[tuple[Attributes, npt.NDArray[np.int64]]]) -> Attributes:
    """Several attributes as one; each comes with the new row of each of its rows, -1 if dropped."""
    frames = [pl.DataFrame(schema=_SCHEMA)]
    for attributes, new_rows in parts:
        moved = pl.Series("row", new_rows[attributes.frame["row"].to_numpy()])
        kept = attributes.frame.with_columns(moved).filter(pl.col("row") >= 0)
        frames.append(kept.cast(_SCHEMA))
    return _sorted(pl.concat(frames))


def flatten(metadata: Mapping[str, Any]) -> Iterator[tuple[str, Scalar]]:
    """Every filterable value with the dotted path of its field.

    Lists give their field several values. Null, what is nested deeper than `MAX_DEPTH`, and fields
    whose path is longer than `MAX_FIELD_LENGTH` are not filterable.
    """
    pending: list[tuple[str, Any, int]] = [("", metadata, 0)]
    while pending:
        path, value, depth = pending.pop()
        if depth > MAX_DEPTH:
            continue
        if isinstance(value, Mapping):
            prefix = f"{path}." if path else ""
            room = MAX_FIELD_LENGTH - len(prefix)
            short = [(str(key), inner) for key, inner in value.items() if len(str(key)) <= room]
            pending.extend((prefix + storable(key), inner, depth + 1) for key, inner in short)
        elif isinstance(value, list | tuple):
            pending.extend((path, entry, depth + 1) for entry in value)
        elif (scalar := scalar_of(value)) is not None:
            yield path, scalar


def _halves(scalar: Scalar) -> tuple[float | None, str | None]:
    return (None, scalar.value) if isinstance(scalar.value, str) else (scalar.value, None)


def _sorted(frame: pl.DataFrame) -> Attributes:
    return Attributes(frame.unique().sort(_ORDER))


def _runs(frame: pl.DataFrame) -> dict[str, dict[Kind, slice]]:
    runs: dict[str, dict[Kind, slice]] = {}
    start = 0
    for field, kind, length in frame.group_by("field", "kind", maintain_order=True).len().rows():
        runs.setdefault(field, {})[Kind(kind)] = slice(start, start + length)
        start += length
    return runs
