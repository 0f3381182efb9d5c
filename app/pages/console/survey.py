"""A survey of a file that somebody brought: what it was taken for, and which rows were not read.

And, once they say so, its records into the catalog. Indexes nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.files import RecordKind, RowError, Source, SourcePart, open_source
from molt.index.files.options import ReadOptions
from molt.index.files.survey import FileSurvey, SurveyedColumn
from molt.index.files.table import describe_form

_RECORDS = 5
_ERRORS = 20
_BATCH = 1000


@dataclass
class BadRows:
    """Counts rows that cannot be read, and keeps the first."""

    count: int = 0
    first: list[RowError] = field(default_factory=list)

    def __call__(self, error: RowError) -> None:
        """Take note of one."""
        self.count += 1
        if len(self.first) < _ERRORS:
            self.first.append(error)


@dataclass(frozen=True)
class UploadSurvey:
    """What a file holds, by the columns that it was read by."""

    kind: RecordKind
    form: str
    good: int
    bad: BadRows
    columns: tuple[SurveyedColumn, ...]
    records: tuple[Any, ...]
    remarks: tuple[str, ...]


def survey_upload(path: Path) -> UploadSurvey:
    """Read a file to its end; nothing is written. Raises `SourceError`."""
    survey, bad, told = FileSurvey(), BadRows(), list[str]()
    options = ReadOptions(tell=told.append)
    opened = open_source(path, options=options)
    (part,) = opened.parts
    source = Source((part,), reject=bad, options=options, observe=survey.look)
    good, records = 0, list[Any]()
    for record in _records(source, part):
        good += 1
        if len(records) < _RECORDS:
            records.append(record)
    return UploadSurvey(
        kind=part.kind,
        form=describe_form(part.path, options),
        good=good,
        bad=bad,
        columns=survey.columns(source, part),
        records=tuple(records),
        remarks=tuple(_unplaced(dict.fromkeys([*told, *source.remarks]), path)),
    )


def keep_upload(path: Path, catalog: Catalog, collection: Collection) -> dict[str, int]:
    """Write every good record, a batch a transaction; how many there were of each kind.

    Raises `SourceError` and what the catalog does; doing it again writes nothing twice.
    """
    source = open_source(path, reject=BadRows())
    judgments = catalog.judgments
    writers: dict[str, tuple[Iterable[Any], Callable[[Any], object]]] = {
        "documents": (
            source.documents(),
            lambda batch: catalog.documents.upsert(collection, _last_of_each(batch)),
        ),
        "queries": (source.queries(), lambda batch: judgments.put(collection, queries=batch)),
        "judgments": (source.judgments(), lambda batch: judgments.put(collection, judgments=batch)),
        "pairs": (source.pairs(), lambda batch: judgments.put(collection, pairs=batch)),
    }
    counts = dict.fromkeys(writers, 0)
    for kind, (records, write) in writers.items():
        for batch in _batches(records):
            write(batch)
            counts[kind] += len(batch)
    return counts


def _unplaced(remarks: Iterable[str], path: Path) -> Iterator[str]:
    """Where a file lies on the server is nothing that who brought it knows."""
    return (one.removeprefix(f"{path}: ").replace(str(path), path.name) for one in remarks)


def _batches(records: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(records)
    while batch := [*islice(left, _BATCH)]:
        yield batch


def _last_of_each(batch: Iterable[Document]) -> list[Document]:
    """Of two documents with one id the later one stays."""
    return [*{document.id: document for document in batch}.values()]


def _records(source: Source, part: SourcePart) -> Iterator[Any]:
    streams: dict[RecordKind, Callable[[], Iterator[Any]]] = {
        RecordKind.DOCUMENTS: source.documents,
        RecordKind.QUERIES: source.queries,
        RecordKind.JUDGMENTS: source.judgments,
        RecordKind.PAIRS: source.pairs,
    }
    return streams[part.kind]()
