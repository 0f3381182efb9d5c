"""A source: everything that one path given by a user holds, as streams of records."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn, TypeVar

from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Judgment, Pair, Query
from molt.index.errors import CatalogError
from molt.index.files.beir import find_parts
from molt.index.files.errors import RowError, SourceError
from molt.index.files.part import Kind, Part
from molt.index.files.progress import Progress
from molt.index.files.row import Row, read_document, read_judgment, read_pair, read_query
from molt.index.files.table import find_part, read_table

_Record = TypeVar("_Record")


def stop(error: RowError) -> NoReturn:
    """End the reading at the first bad row."""
    raise error


class Source:
    """Files that can be read as records, from their start whenever a stream is asked for.

    Each bad row goes to `reject`, which may raise it or remember it; a row that was rejected is
    in no stream.
    """

    def __init__(self, parts: tuple[Part, ...], *, reject: Callable[[RowError], None]) -> None:
        self.parts = parts
        self.progress = Progress()
        self._reject = reject

    def size(self, *kinds: Kind) -> int:
        """Bytes on disk of the files of these kinds, all kinds where none is named."""
        return sum(
            part.path.stat().st_size for part in self.parts if part.kind in (kinds or tuple(Kind))
        )

    def documents(self) -> Iterator[Document]:
        """Every document, in the order of the file; an id that comes twice comes out twice."""
        return self._read(Kind.DOCUMENTS, lambda row, _: read_document(row))

    def queries(self) -> Iterator[Query]:
        """Every query, in the order of the file."""
        return self._read(Kind.QUERIES, lambda row, _: read_query(row))

    def judgments(self) -> Iterator[Judgment]:
        """Every judgment, split by split."""
        return self._read(Kind.JUDGMENTS, lambda row, part: read_judgment(row, split=part.split))

    def pairs(self) -> Iterator[Pair]:
        """Every pair, in the order of the file."""
        return self._read(Kind.PAIRS, lambda row, _: read_pair(row))

    def _read(self, kind: Kind, convert: Callable[[Row, Part], _Record]) -> Iterator[_Record]:
        for part in self.parts:
            if part.kind is kind:
                for row in read_table(part.path, self.progress):
                    record = _convert(row, part, convert)
                    if isinstance(record, RowError):
                        self._reject(record)
                    else:
                        yield record


def open_source(path: Path, *, reject: Callable[[RowError], None] = stop) -> Source:
    """Find out what a file or a BEIR folder holds; nothing but a first row is read yet.

    Without `reject`, the first bad row raises its `RowError` while the stream is read. Raises
    `SourceError` where there is nothing that can be read.
    """
    if not path.exists():
        raise SourceError(path, "does not exist")
    parts = find_parts(path) if path.is_dir() else (find_part(path),)
    return Source(parts, reject=reject)


def _convert(
    row: Row | RowError, part: Part, convert: Callable[[Row, Part], _Record]
) -> _Record | RowError:
    if isinstance(row, RowError):
        return row
    try:
        return convert(row, part)
    except CatalogError as error:
        return RowError(part.path, row.line, str(error))
