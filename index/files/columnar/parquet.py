"""Parquet, streamed in batches of rows by polars."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from molt.artifact import PanicError, panics_contained
from molt.index.files.columnar.labels import labels_of, worded
from molt.index.files.columnar.values import plain_row
from molt.index.files.errors import RowError, SourceError
from molt.index.files.options import ReadOptions
from molt.index.files.progress import ReadProgress
from molt.index.files.row import Row

_BATCH_ROWS = 2000
_GUESSING = ReadOptions()


def read_parquet(
    path: Path, progress: ReadProgress, options: ReadOptions = _GUESSING
) -> Iterator[Row | RowError]:
    """Every row in order, numbered from 1; nulls are left out, dates become ISO 8601 strings.

    Columns of bytes are told and left out. Raises `SourceError` where the file is not Parquet or
    is damaged.
    """
    try:
        with panics_contained():
            yield from _rows(path, progress, options)
    except (PolarsError, PanicError, OSError) as error:
        said = str(error).splitlines()[:1]
        raise SourceError(path, f"cannot be read as Parquet: {said[0] if said else ''}") from error


def _rows(path: Path, progress: ReadProgress, options: ReadOptions) -> Iterator[Row | RowError]:
    done, labels = 0, labels_of(path)
    scan = pl.scan_parquet(path, glob=False)
    scan = scan.select(kept_columns(path, scan.collect_schema(), options))
    total = max(1, scan.select(pl.len()).collect().item())
    size = path.stat().st_size
    with progress.watching(path, lambda: size * done // total):
        for batch in scan.collect_batches(chunk_size=_BATCH_ROWS, lazy=True):
            for values in batch.iter_rows(named=True):
                done += 1
                yield plain_row(done, worded(values, labels))


def kept_columns(path: Path, schema: pl.Schema, options: ReadOptions) -> list[str]:
    """The columns whose values JSON can hold; the others are told."""
    kept = [name for name, kind in schema.items() if not _holds_bytes(kind)]
    if len(kept) < len(schema):
        dropped = ", ".join(name[:80] for name in schema if name not in kept)
        options.tell(f"{path}: columns that hold bytes are left out: {dropped}")
    return kept


def _holds_bytes(kind: pl.DataType) -> bool:
    if isinstance(kind, pl.List | pl.Array):
        return kind.inner is not None and _holds_bytes(kind.inner)  # type: ignore[arg-type]
    if isinstance(kind, pl.Struct):
        return any(_holds_bytes(field.dtype) for field in kind.fields)  # type: ignore[arg-type]
    return kind in (pl.Binary, pl.Object)
