"""Sources: raw data read from a collection of the catalog, or from files."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, replace
from itertools import chain
from pathlib import Path

from molt.artifact import hash_file
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.judgments import Query
from molt.index.files import RecordKind, RowError, Source, SourcePart, open_source
from molt.index.files.source import stop
from molt.training.data.digest import digest_records, document_record
from molt.training.data.raw import Origin, RawData, combine, join, sort_pairs

_PAGE = 1000
_RECORDS = ("documents", "queries", "judgments", "pairs", "triplets", "scored")
_Read = Callable[[Callable[[RowError], None]], RawData]


def read_collection(catalog: Catalog, name: str) -> RawData:
    """Everything that the catalog holds of a collection. Raises `CollectionNotFoundError`."""
    collection = catalog.collections.get(name)
    raw = replace(
        sort_pairs(catalog.judgments.pairs(collection)),
        documents=tuple(_documents(catalog, collection)),
        queries=tuple(catalog.judgments.queries(collection)),
        judgments=tuple(catalog.judgments.graded(collection)),
    )
    return replace(raw, origins=(_origin(f"collection {name}", raw),))


def read_files(paths: Sequence[Path]) -> RawData:
    """Everything that files and folders hold; bad rows are in `rejected`.

    Raises `SourceError` of `molt.index.files` where one cannot be read at all, and `DataError`
    where two of them use one id for different texts.
    """
    return combine(*map(_read_path, paths))


def _documents(catalog: Catalog, collection: Collection) -> Iterator[Document]:
    after = -1
    while page := catalog.documents.changed(collection, after=after, limit=_PAGE).documents:
        yield from (stored.document for stored in page)
        after = page[-1].revision


def _origin(name: str, raw: RawData) -> Origin:
    """A collection's origin; changing a document and changing it back leaves it as it was."""
    documents = sorted(raw.documents, key=lambda document: document.id)
    kinds = [getattr(raw, kind) for kind in _RECORDS[1:]]
    known = (map(astuple, records) for records in kinds)
    digest = digest_records(chain(map(document_record, documents), *known))
    return Origin(name, digest, rows=len(documents) + sum(map(len, kinds)))


def _read_path(path: Path) -> RawData:
    """One source. What is judged in a folder is judged by the ids of that folder."""
    parts = open_source(path).parts
    return join(*(_read_part(part, parts) for part in parts))


def _read_part(part: SourcePart, beside: Sequence[SourcePart]) -> RawData:
    def read(reject: Callable[[RowError], None]) -> RawData:
        source = Source((part,), reject=reject)
        source.ids.add(beside)
        if part.kind is RecordKind.DOCUMENTS:
            raw = RawData(documents=tuple(source.documents()))
        elif part.kind is RecordKind.QUERIES:
            raw = RawData(queries=tuple(source.queries()))
        elif part.kind is RecordKind.JUDGMENTS:
            raw = RawData(judgments=tuple(source.judgments()))
        else:
            raw = sort_pairs(source.pairs())
        return replace(raw, remarks=tuple(source.remarks))

    raw = _recorded(part.path, read)
    if part.kind is RecordKind.JUDGMENTS:
        return replace(raw, queries=_judged_queries(part, beside))
    return raw


def _judged_queries(part: SourcePart, beside: Sequence[SourcePart]) -> tuple[Query, ...]:
    """Queries whose texts stand beside judgments of them; its rows are counted as judgments."""
    source = Source((part,), reject=stop)
    source.ids.add(beside)
    return tuple(source.queries())


def _recorded(path: Path, read: _Read) -> RawData:
    """What `read` gives, with where it came from and the rows that were rejected."""
    bad: list[RowError] = []
    raw = read(bad.append)
    rows = sum(len(getattr(raw, name)) for name in _RECORDS)
    origin = Origin(str(path), hash_file(path).sha256, rows=rows, rejected=len(bad))
    return replace(
        raw,
        origins=(origin,),
        rejected=tuple(f"{error.path}:{error.line}: {error.reason}" for error in bad),
    )
