"""A table: a file of rows in any of the known formats, told by the end of its name.

Where the end says nothing, the first bytes may.
"""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from molt.index.files.columns import IDS, TEXTS, TITLES, find_columns, match_all
from molt.index.files.compression import bare_suffix, is_packed, open_bytes
from molt.index.files.errors import RowError, SourceError, UnknownFormatError
from molt.index.files.judged.headless import layout_of, read_headless
from molt.index.files.judged.layouts import Layout
from molt.index.files.judged.names import read_name, split_of
from molt.index.files.judged.pairs import DOCUMENT_IDS, holds_pairs
from molt.index.files.objects.values import read_objects
from molt.index.files.options import ReadOptions, canonical, silent
from molt.index.files.part import SPLIT_KINDS, RecordKind, SourcePart
from molt.index.files.progress import ReadProgress
from molt.index.files.row import (
    JUDGED_QUERIES,
    JUDGED_TEXT,
    QUERY_IDS,
    QUERY_TEXTS,
    Row,
    holds_judgments,
)
from molt.index.files.tabular.amounts import AmountCells
from molt.index.files.tabular.delimited import find_form, read_csv, read_strings
from molt.index.files.tabular.dialect import describe_delimiter
from molt.index.files.tabular.sheet import read_sheet_strings, read_xlsx, sheet_columns

Reader = Callable[[Path, ReadProgress, ReadOptions], Iterator[Row | RowError]]


def _read_parquet(
    path: Path, progress: ReadProgress, options: ReadOptions
) -> Iterator[Row | RowError]:
    from molt.index.files.columnar.parquet import read_parquet  # noqa: PLC0415  loads polars

    return read_parquet(path, progress, options)


def _read_arrow(
    path: Path, progress: ReadProgress, options: ReadOptions
) -> Iterator[Row | RowError]:
    from molt.index.files.columnar.arrow import read_arrow  # noqa: PLC0415  loads polars

    return read_arrow(path, progress, options)


READERS: dict[str, Reader] = {
    ".jsonl": read_objects,
    ".ndjson": read_objects,
    ".json": read_objects,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": _read_parquet,
    ".arrow": _read_arrow,
    ".feather": _read_arrow,
    ".xlsx": read_xlsx,
}
_VERBATIM: dict[Reader, Reader] = {read_csv: read_strings, read_xlsx: read_sheet_strings}
_WHOLE: tuple[Reader, ...] = (_read_parquet, read_xlsx)
_BEGINNINGS: tuple[tuple[bytes, Reader], ...] = (
    (b"PAR1", _read_parquet),
    (b"ARROW1", _read_arrow),
    (b"{", read_objects),
    (b"[", read_objects),
    (b"\xef\xbb\xbf{", read_objects),
    (b"\xef\xbb\xbf[", read_objects),
)
_TEXT_ENDS = ("", ".txt", ".tab", ".dat", ".text")
_NAMED = {"queries": RecordKind.QUERIES, "qrels": RecordKind.JUDGMENTS, "pairs": RecordKind.PAIRS}
_OF_DOCUMENTS = frozenset((*IDS, *TITLES)) - {*DOCUMENT_IDS}
_GUESSING = ReadOptions()


def read_table(
    path: Path, progress: ReadProgress, options: ReadOptions = _GUESSING
) -> Iterator[Row | RowError]:
    """Every row of a file, a bad one as the error that it is. Raises `SourceError`."""
    read = _reader(path, options)
    if options.number_columns and read not in _VERBATIM:
        return _with_amounts(path, read, progress, options)
    return read(path, progress, options)


def read_verbatim(
    path: Path, progress: ReadProgress, options: ReadOptions = _GUESSING
) -> Iterator[Row | RowError]:
    """As `read_table`, but every cell of a table without types is the string that it is."""
    read = _reader(path, options)
    return _VERBATIM.get(read, read)(path, progress, options)


def sample_columns(path: Path, *, rows: int, options: ReadOptions = _GUESSING) -> frozenset[str]:
    """The columns that a header names, or that the first good rows have.

    Raises `SourceError` where the format is unknown or no row can be read, with the reason of the
    first one.
    """
    return frozenset(column_names(path, rows=rows, options=options))


def column_names(path: Path, *, rows: int, options: ReadOptions = _GUESSING) -> tuple[str, ...]:
    """As `sample_columns`, in the order of the file."""
    columns: dict[str, None] = dict.fromkeys(_declared(path, options))
    first_bad: RowError | None = None
    good = 0
    for row in read_verbatim(path, ReadProgress(), options):
        if isinstance(row, RowError):
            first_bad = first_bad or row
            continue
        columns |= dict.fromkeys(row.values)
        good += 1
        if good == rows:
            break
    if not good:
        raise _no_row(path, first_bad)
    return tuple(columns)


def has_header(path: Path, options: ReadOptions = _GUESSING) -> bool:
    """Has the file columns that all rows share, where JSON has names in each object?"""
    return _reader(path, options) is not read_objects


def is_of_strings(path: Path, options: ReadOptions = _GUESSING) -> bool:
    """Has the file cells that are strings, of which a column says together what they are?"""
    return _reader(path, options) in _VERBATIM


def find_part(path: Path, options: ReadOptions = _GUESSING) -> SourcePart:
    """What a file holds, told by its layout or its name, else by its first row.

    Raises `SourceError` where the format is unknown or no row can be read.
    """
    layout = _layout(path, options)
    if layout is not None:
        kind = layout.kind
    else:
        kind = _NAMED.get(path.name.split(".", 1)[0]) or _kind_by_columns(path, options)
    return SourcePart(path, kind, split_of(path) if kind in SPLIT_KINDS else None)


def describe_form(path: Path, options: ReadOptions = _GUESSING) -> str:
    """The format of a file, and of a file of cells its encoding and delimiter, in words."""
    layout = _layout(path, options)
    if layout is not None:
        return layout.name
    read = _reader(path, options)
    known = options.format or bare_suffix(path).removeprefix(".")
    if READERS.get(f".{known.lower()}") is not read:
        known = next(end.removeprefix(".") for end, reader in READERS.items() if reader is read)
    if read is not read_csv:
        return known
    form = find_form(path, options)
    return f"{known}, {form.encoding}, {describe_delimiter(form.dialect.delimiter)}"


def _layout(path: Path, options: ReadOptions) -> Layout | None:
    """The layout of a file without a header; none where the options say how to read the file."""
    if options.format is not None or options.named_columns:
        return None
    return layout_of(path, options)


def _reader(path: Path, options: ReadOptions) -> Reader:
    layout = _layout(path, options)
    if layout is not None:
        return partial(read_headless, layout)
    end = f".{options.format.lower().removeprefix('.')}" if options.format else bare_suffix(path)
    read = READERS.get(end) or (None if options.format else _by_beginning(path, options))
    if read is None:
        raise UnknownFormatError(path, bare_suffix(path))
    if read in _WHOLE and is_packed(path):
        raise SourceError(path, f"is of no known format: unpack it to a file that ends in {end}")
    return read


def _by_beginning(path: Path, options: ReadOptions) -> Reader | None:
    """The reader of what a file begins with: JSON, typed columns, or a header with a text in it."""
    with open_bytes(path, ReadProgress()) as file:
        head = file.read(256).lstrip()
    read = next((read for mark, read in _BEGINNINGS if head.startswith(mark)), None)
    if read is None and bare_suffix(path) in _TEXT_ENDS:
        with suppress(SourceError):
            names = find_form(path, replace(options, tell=silent)).header.names
            if len(names) > 1 and find_columns(names, options).text is not None:
                return read_csv
    return read


def _declared(path: Path, options: ReadOptions) -> tuple[str, ...]:
    read = _reader(path, options)
    if read is read_csv:
        return find_form(path, options).header.names
    return sheet_columns(path, options) if read is read_xlsx else ()


def _no_row(path: Path, first: RowError | None) -> SourceError:
    if first is None:
        return SourceError(path, "holds no row; where it has a line, that one names the columns")
    return SourceError(path, f"no row can be read; the first, on line {first.line}, {first.reason}")


def _with_amounts(
    path: Path, read: Reader, progress: ReadProgress, options: ReadOptions
) -> Iterator[Row | RowError]:
    """Rows whose strings in the number columns are read as the numbers that they spell."""
    cells: dict[str, AmountCells] = {}
    for row in read(path, ReadProgress(), options):
        if isinstance(row, Row):
            for name in match_all(tuple(row.values), options.number_columns):
                if isinstance(found := row.values[name], str):
                    cells.setdefault(name, AmountCells()).see(row.line, found)
    for name, column in cells.items():
        if remark := column.remark():
            options.tell(f"{path}: {name[:80]}: {remark}")
    for row in read(path, progress, options):
        yield row if isinstance(row, RowError) else _amounts(row, cells)


def _amounts(row: Row, cells: dict[str, AmountCells]) -> Row:
    values = dict(row.values)
    for name in values.keys() & cells.keys():
        if isinstance(found := values[name], str):
            values[name] = cells[name].read(row.line, found) if found.strip() else None
    return Row(row.line, values)


def _kind_by_columns(path: Path, options: ReadOptions) -> RecordKind:
    columns = sample_columns(path, rows=1, options=options)
    if match_all(tuple(columns), filter(None, (options.title_column, options.text_column))):
        return RecordKind.DOCUMENTS
    if holds_judgments(columns):
        return RecordKind.JUDGMENTS
    told = read_name(path).kind
    known = {*map(canonical, columns)}
    if _holds_queries(known, told) and not (told is None and holds_pairs(columns)):
        return RecordKind.QUERIES
    if options.document_columns:
        return RecordKind.DOCUMENTS
    if holds_pairs(columns):
        if told is None and known & _OF_DOCUMENTS:
            options.tell(
                f"{path}: is read as pairs, by its columns, and ids and titles of rows are not "
                "kept; where a row is a document, name the column of its text with --text-column"
            )
        return RecordKind.PAIRS
    # Where the name alone says so, every row says which columns are missing.
    found = find_columns(tuple(sorted(columns)), options)
    nameless = found.text is None and found.title is None
    return RecordKind.PAIRS if told is RecordKind.PAIRS and nameless else RecordKind.DOCUMENTS


def _holds_queries(columns: AbstractSet[str], told: RecordKind | None) -> bool:
    """Do canonical columns have a query and its id, as the name of the file tells?

    Where it tells nothing, there is nothing that a document could be.
    """
    if told is not None:
        ids, texts = ({*map(canonical, names)} for names in (QUERY_IDS, QUERY_TEXTS))
        return told is RecordKind.QUERIES and bool(columns & ids and columns & texts)
    queries = columns & {*map(canonical, JUDGED_QUERIES)} and JUDGED_TEXT in columns
    return bool(queries) and columns.isdisjoint((*IDS, *TEXTS, *TITLES))
