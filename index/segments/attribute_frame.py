"""The frame of attributes: one line for each value of a document, as a table of polars.

Owns the columns and their order, how documents become lines, and what lines of earlier versions
lack. What is looked for in them is `attributes`'.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from molt.index.segments.flattening import Line, flatten
from molt.index.segments.scalar import ID_FIELD, ScalarKind

SCHEMA = pl.Schema(
    {
        "field": pl.String,
        "kind": pl.String,
        "number": pl.Float64,
        "rest": pl.Int16,
        "text": pl.String,
        "row": pl.UInt32,
        "element": pl.UInt32,
    }
)


def frame_of(
    metadata: Sequence[Mapping[str, Any]], *, rows: Sequence[int] | None, ids: Sequence[str]
) -> pl.DataFrame:
    """The lines of documents whose first rows are `rows`, by default 0, 1, 2, ...; sorted."""
    places = range(len(metadata)) if rows is None else rows
    lines: list[tuple[Any, ...]] = []
    objects = 0
    for row, values in zip(places, metadata, strict=True):
        found = list(flatten(values))
        lines.extend(_line(line, row=row, before=objects) for line in found)
        objects += sum(line.number is not None for line in found)
    if ids:
        kind = str(ScalarKind.TEXT)
        named = zip(places, ids, strict=True)
        lines.extend((ID_FIELD, kind, None, 0, doc_id, row, None) for row, doc_id in named)
    columns = zip(*lines, strict=True) if lines else [()] * len(SCHEMA)
    frame = pl.DataFrame(dict(zip(SCHEMA, columns, strict=True)), schema=SCHEMA)
    return sorted_frame(frame)


def sorted_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """The lines, each once, by field, kind and value."""
    return frame.unique().sort(SCHEMA.names())


def reduced_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """Without ids, nulls, nested objects and rests."""
    unknown = pl.col("kind").is_in([ScalarKind.NULL, ScalarKind.OBJECT])
    return without_rests(frame.filter(~unknown & (pl.col("field") != ID_FIELD)))


def without_rests(frame: pl.DataFrame) -> pl.DataFrame:
    """With nothing in the columns that earlier versions did not have."""
    nothing = pl.lit(0, pl.Int16).alias("rest"), pl.lit(None, pl.UInt32).alias("element")
    return frame.with_columns(nothing)


def _line(line: Line, *, row: int, before: int) -> tuple[Any, ...]:
    scalar, parent = line.scalar, None if line.parent is None else before + line.parent
    kind = str(scalar.kind)
    if line.number is not None:
        around = None if parent is None else float(parent)
        return (line.field, kind, around, 0, None, row, before + line.number)
    if isinstance(scalar.value, str):
        return (line.field, kind, None, 0, scalar.value, row, parent)
    return (line.field, kind, scalar.value, scalar.rest, None, row, parent)
