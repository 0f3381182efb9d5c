"""CSV and TSV with a header, in whatever dialect, encoding and compression.

Read one row after the other: every bad row must be known by its line.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

from molt.index.files.columns import find_columns
from molt.index.files.errors import RowError, SourceError
from molt.index.files.options import ReadOptions
from molt.index.files.progress import ReadProgress
from molt.index.files.row import Row
from molt.index.files.tabular.dialect import SAMPLE_LINES, Dialect, find_dialect
from molt.index.files.tabular.header import Header, read_header
from molt.index.files.tabular.preamble import preamble_lines, told_preamble
from molt.index.files.tabular.records import Record, Records
from molt.index.files.tabular.typed import StringTable, read_typed
from molt.index.files.text.encoding import find_encoding, open_utf8

_SAMPLE_CHARS = 2**18
_FORMULA = re.compile(r'="(?:[^"]|"")*"')
_GUESSING = ReadOptions()


@dataclass(frozen=True)
class TableForm:
    """What a file of cells looks like, as its first lines show."""

    encoding: str
    dialect: Dialect
    header: Header


def read_csv(
    path: Path, progress: ReadProgress, options: ReadOptions = _GUESSING
) -> Iterator[Row | RowError]:
    """Every row in order, a bad one as the error that it is; an empty cell is left out.

    A metadata column whose cells are numbers, or booleans, is read as such; to know this, the file
    is read twice. Raises `SourceError` where the header or the file is unusable.
    """
    form = find_form(path, options)
    table = StringTable(
        path,
        form.header.names,
        partial(read_strings, path),
        decimal_mark="." if form.dialect.delimiter == "," else ",",
    )
    return read_typed(table, progress, options)


def read_strings(
    path: Path, progress: ReadProgress, options: ReadOptions = _GUESSING
) -> Iterator[Row | RowError]:
    """As `read_csv`, but every cell is a string, and the file is read once."""
    form = find_form(path, options)
    kept_marks, formulas = _KeptMarks(path, form.dialect, options), _Formulas(path, options)
    with _lines(path, progress, options) as lines:
        places = dict(form.header.columns)
        found = find_columns(form.header.names, options).id
        records = Records(lines, form.dialect, id_cell=places.get(found or "", 0))
        for record in islice(records, form.dialect.skipped + 1, None):
            row = form.header.row(path, record)
            if row is not None:
                kept_marks.see(record)
                yield formulas.read(row) if isinstance(row, Row) else row
    kept_marks.tell()
    formulas.tell()


def find_form(path: Path, options: ReadOptions = _GUESSING) -> TableForm:
    """The encoding, the dialect and the columns of a file. Raises `SourceError`."""
    encoding = find_encoding(path, options)
    with _lines(path, ReadProgress(), options) as lines:
        sample, chars = [], 0
        for line in islice(lines, SAMPLE_LINES):
            sample.append(line)
            chars += len(line)
            if chars > _SAMPLE_CHARS:
                break
    if not "".join(sample).strip():
        raise SourceError(path, "is empty; the first line must name the columns")
    _refuse_binary(path, sample)
    before = preamble_lines(sample, options)
    if before:
        options.tell(f"{path}: {told_preamble(before, sample[0])}")
    dialect = find_dialect(path, sample[before:], options)
    dialect = replace(dialect, skipped=dialect.skipped + before)
    records = islice(Records(iter(sample), dialect), dialect.skipped, None)
    first = next(iter(records), Record(1, []))
    return TableForm(encoding, dialect, read_header(path, first, encoding, options))


@contextmanager
def _lines(path: Path, progress: ReadProgress, options: ReadOptions) -> Iterator[Iterator[str]]:
    with open_utf8(path, progress, options) as file:
        # A byte that is not UTF-8 becomes a lone surrogate, so that its row can be named.
        yield io.TextIOWrapper(file, "utf-8", errors="surrogateescape", newline="")


def _refuse_binary(path: Path, sample: list[str]) -> None:
    if sample[0].startswith("PAR1"):
        raise SourceError(path, "is Parquet; rename it to end in .parquet")
    if sample[0].startswith("PK\x03\x04"):
        raise SourceError(path, "is a zip archive or a spreadsheet; unpack it, or name it .xlsx")
    if "\0" in sample[0]:
        raise SourceError(path, "is no text: its first line holds NUL characters")


class _Formulas:
    """Reads `="007"`, by which programs keep Excel from making a number of a text, as that text."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path, self._options = path, options
        self._count = 0

    def read(self, row: Row) -> Row:
        found = {name for name, cell in row.values.items() if _FORMULA.fullmatch(cell)}
        if not found:
            return row
        self._count += 1
        values = dict(row.values)
        values |= {name: values[name][2:-1].replace('""', '"') for name in found}
        return Row(row.line, {name: cell for name, cell in values.items() if cell})

    def tell(self) -> None:
        if self._count:
            self._options.tell(
                f'{self._path}: cells like ="007", a formula of Excel, are read as the text in '
                f"them; rows with one: {self._count:,}"
            )


class _KeptMarks:
    """Tells where quotation marks that look as if they quoted cells were kept."""

    def __init__(self, path: Path, dialect: Dialect, options: ReadOptions) -> None:
        self._path, self._options = path, options
        self._looks = not dialect.quoted and options.quoting is None
        self._count = 0

    def see(self, record: Record) -> None:
        if self._looks:
            self._count += any(
                len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in record.cells
            )

    def tell(self) -> None:
        if self._count:
            self._options.tell(
                f"{self._path}: rows in which a cell stands in quotation marks, which were kept: "
                f"{self._count:,}. If they are to go, pass --quoting standard"
            )
