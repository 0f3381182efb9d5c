"""Spreadsheets: the first sheet of an `.xlsx`, its first row as the header."""

import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from molt.index.files.errors import RowError, SourceError
from molt.index.files.options import ReadOptions
from molt.index.files.progress import ReadProgress
from molt.index.files.row import Row
from molt.index.files.tabular.header import Header, read_header
from molt.index.files.tabular.preamble import preamble_rows, told_preamble
from molt.index.files.tabular.records import Record
from molt.index.files.tabular.typed import StringTable, read_typed
from molt.index.files.text.encoding import UTF8

MAX_UNPACKED_BYTES = 2**30
"""A spreadsheet is read whole, so what it unpacks to is bounded."""
_GUESSING = ReadOptions()


def read_xlsx(
    path: Path, progress: ReadProgress, options: ReadOptions = _GUESSING
) -> Iterator[Row | RowError]:
    """Every row of the first sheet, typed as the cells of CSV are; other sheets are told.

    Raises `SourceError` where the file is no spreadsheet.
    """
    records = _records(path, options)
    header = _header(path, records, options)
    read = partial(_read, path, header, records)
    return read_typed(StringTable(path, header.names, read), progress, options)


def read_sheet_strings(
    path: Path, progress: ReadProgress, options: ReadOptions = _GUESSING
) -> Iterator[Row | RowError]:
    """As `read_xlsx`, but every cell is the string that a spreadsheet shows."""
    records = _records(path, options)
    return _read(path, _header(path, records, options), records, progress, options)


def sheet_columns(path: Path, options: ReadOptions = _GUESSING) -> tuple[str, ...]:
    """The columns that the first row names. Raises `SourceError`."""
    return _header(path, _records(path, options), options).names


def _header(path: Path, records: list[Record], options: ReadOptions) -> Header:
    if not records:
        raise SourceError(path, "its first sheet is empty; the first row must name the columns")
    return read_header(path, records[0], UTF8, options)


def _read(
    path: Path,
    header: Header,
    records: list[Record],
    progress: ReadProgress,
    options: ReadOptions,  # noqa: ARG001  as every reader
) -> Iterator[Row | RowError]:
    size, done = path.stat().st_size, 0
    with progress.watching(path, lambda: size * done // len(records)):
        for record in records[1:]:
            done += 1
            row = header.row(path, record)
            if row is not None:
                yield row


def _records(path: Path, options: ReadOptions) -> list[Record]:
    import fastexcel  # noqa: PLC0415  only spreadsheets need it

    _refuse_large(path)
    try:
        book = fastexcel.read_excel(path)
        sheet = book.load_sheet(0, header_row=None, dtypes="string")
        rows = sheet.to_polars().rows()
    except fastexcel.FastExcelError as error:
        raise SourceError(path, "is no spreadsheet, or is damaged; save it again") from error
    if len(book.sheet_names) > 1:
        others = ", ".join(name[:40] for name in book.sheet_names[1:])
        options.tell(f"{path}: only the sheet {book.sheet_names[0]} is read, not {others}")
    cells = [[cell or "" for cell in row] for row in rows]
    before = preamble_rows(cells, options)
    if before:
        options.tell(f"{path}: {told_preamble(before, ' '.join(cells[0]))}")
    return [Record(at, row) for at, row in enumerate(cells, 1)][before:]


def _refuse_large(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise SourceError(path, "is no spreadsheet, or is damaged; save it again") from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise SourceError(
            path, f"unpacks to more than {MAX_UNPACKED_BYTES} bytes; save it as CSV, which streams"
        )
