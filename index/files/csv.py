"""CSV and TSV with a header, plain or compressed with gzip; quoting as in RFC 4180 for both.

Read by the standard library, one row after the other: every bad row must be known by its line.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from molt.index.catalog.fields import MAX_TEXT_CHARS
from molt.index.files.cells import Reading, Value, guess_readings
from molt.index.files.compression import open_bytes
from molt.index.files.errors import RowError, SourceError
from molt.index.files.progress import Progress
from molt.index.files.row import SPECIAL, Row

_NOT_UTF8 = re.compile(r"[\udc80-\udcff]")


def read_csv(path: Path, progress: Progress) -> Iterator[Row | RowError]:
    """Every row in order, a bad one as the error that it is; an empty cell is left out.

    A metadata column whose cells are all numbers, or all booleans, is read as such; to know
    this, the file is read twice. Raises `SourceError` where the header or the file is unusable.
    """
    rows = (row.values for row in read_strings(path, Progress()) if isinstance(row, Row))
    readings = guess_readings(rows)
    for name in SPECIAL & readings.keys():
        del readings[name]
    for row in read_strings(path, progress):
        if isinstance(row, RowError):
            yield row
        else:
            yield Row(
                row.line, {name: _read(readings, name, row.values[name]) for name in row.values}
            )


def _read(readings: Mapping[str, Reading], column: str, cell: str) -> Value:
    reading = readings.get(column)
    return cell if reading is None else reading.value(cell)


def read_strings(path: Path, progress: Progress) -> Iterator[Row | RowError]:
    """As `read_csv`, but every cell is a string, and the file is read once."""
    with open_bytes(path, progress) as file:
        # A byte that is not UTF-8 becomes a lone surrogate, so that its row can be named.
        text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
        csv.field_size_limit(MAX_TEXT_CHARS)
        delimiter = "\t" if ".tsv" in path.suffixes else ","
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        header: list[str] = []
        for line, cells in _records(reader):
            if not header:
                header = _check_header(path, cells)
            elif isinstance(cells, csv.Error):
                yield RowError(path, line, f"is not CSV: {cells}")
            elif cells:
                yield _row(path, line, header, cells)
        if not header:
            raise SourceError(path, "is empty; the first line must name the columns")


def _records(reader: Any) -> Iterator[tuple[int, list[str] | csv.Error]]:
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except csv.Error as error:
            yield line, error
        except StopIteration:
            return


def _check_header(path: Path, cells: list[str] | csv.Error) -> list[str]:
    if isinstance(cells, csv.Error):
        raise SourceError(path, f"its first line is not CSV: {cells}")
    header = [name.strip() for name in cells]
    if not all(header) or len(set(header)) < len(header):
        raise SourceError(path, "its first line must name every column, and each differently")
    return header


def _row(path: Path, line: int, header: list[str], cells: list[str]) -> Row | RowError:
    if len(cells) != len(header):
        return RowError(
            path, line, f"has {len(cells)} cells where the first line names {len(header)}"
        )
    if any(_NOT_UTF8.search(cell) for cell in cells):
        return RowError(path, line, "is not UTF-8")
    return Row(line, {name: cell for name, cell in zip(header, cells, strict=True) if cell})
