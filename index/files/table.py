"""A table: a file of rows in any of the known formats, told by the end of its name."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from molt.index.files.csv import read_csv, read_strings
from molt.index.files.errors import RowError, SourceError
from molt.index.files.jsonl import read_jsonl
from molt.index.files.parquet import read_parquet
from molt.index.files.part import Kind, Part
from molt.index.files.progress import Progress
from molt.index.files.row import JUDGED_DOCUMENTS, JUDGED_QUERIES, TEXTS, Row

Reader = Callable[[Path, Progress], Iterator[Row | RowError]]
READERS: dict[str, Reader] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
}
_NAMED = {"queries": Kind.QUERIES, "qrels": Kind.JUDGMENTS, "pairs": Kind.PAIRS}


def read_table(path: Path, progress: Progress) -> Iterator[Row | RowError]:
    """Every row of a file, a bad one as the error that it is. Raises `SourceError`."""
    return _reader(path)(path, progress)


def read_verbatim(path: Path, progress: Progress) -> Iterator[Row | RowError]:
    """As `read_table`, but every cell of a CSV file is the string that it is."""
    return _verbatim(path)(path, progress)


def sample_columns(path: Path, *, rows: int) -> frozenset[str]:
    """The columns that the first good rows have, all of them together.

    Raises `SourceError` where the format is unknown or no row can be read.
    """
    good = (row for row in read_verbatim(path, Progress()) if isinstance(row, Row))
    columns = [row.values.keys() for row in islice(good, rows)]
    if not columns:
        raise SourceError(path, "holds no row that can be read")
    return frozenset().union(*columns)


def find_part(path: Path) -> Part:
    """What a file holds, told by its name (`queries`, `qrels`, `pairs`), else by its first row.

    Raises `SourceError` where the format is unknown or no row can be read.
    """
    stem = path.name.split(".", 1)[0]
    kind = _NAMED.get(stem) or _kind_by_columns(path)
    return Part(path, kind, _split(stem) if kind is Kind.JUDGMENTS else None)


def _reader(path: Path) -> Reader:
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    reader = READERS.get(plain.suffix.lower())
    if reader is None or (reader is read_parquet and plain is not path):
        raise SourceError(
            path,
            "is of no known format; bring .jsonl, .ndjson, .csv or .tsv (each may end in "
            ".gz), .parquet, or a folder in the BEIR layout",
        )
    return reader


def _verbatim(path: Path) -> Reader:
    reader = _reader(path)
    return read_strings if reader is read_csv else reader


def _kind_by_columns(path: Path) -> Kind:
    columns = sample_columns(path, rows=1)
    if columns & set(JUDGED_QUERIES) and columns & set(JUDGED_DOCUMENTS):
        return Kind.JUDGMENTS
    if (
        "query" in columns
        and columns & {"positive", "doc_id"}
        and not columns & {*TEXTS, "_id", "id"}
    ):
        return Kind.PAIRS
    return Kind.DOCUMENTS


def _split(stem: str) -> str | None:
    return None if stem in {"qrels", "judgments", "all"} else stem
