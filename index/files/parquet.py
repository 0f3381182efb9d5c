"""Parquet, streamed in batches of rows by polars."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from molt.index.files.errors import RowError, SourceError
from molt.index.files.progress import Progress
from molt.index.files.row import Row

_BATCH_ROWS = 2000


def read_parquet(path: Path, progress: Progress) -> Iterator[Row | RowError]:
    """Every row in order, numbered from 1; nulls are left out, dates become ISO 8601 strings.

    Raises `SourceError` where the file is not Parquet or is damaged.
    """
    done = 0
    try:
        scan = pl.scan_parquet(path)
        total = max(1, scan.select(pl.len()).collect().item())
        size = path.stat().st_size
        with progress.watching(path, lambda: size * done // total):
            for batch in scan.collect_batches(chunk_size=_BATCH_ROWS, lazy=True):
                for values in batch.iter_rows(named=True):
                    done += 1
                    yield _row(done, values)
    except (PolarsError, OSError) as error:
        raise SourceError(path, f"cannot be read as Parquet: {error}") from error


def _row(number: int, values: dict[str, Any]) -> Row:
    return Row(number, {name: _plain(value) for name, value in values.items() if value is not None})


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value
