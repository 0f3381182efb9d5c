"""Sources: raw data read from a collection of the catalog, or from files."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, replace
from itertools import chain
from pathlib import Path

from molt.artifact import hash_file
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.files import RecordKind, RowError, Source, SourceError, SourcePart, open_source
from molt.index.files.errors import NothingThereError, ScoredTextsError
from molt.index.files.judged.names import format_of, read_name
from molt.training.data.dataset import TaskKind
from molt.training.data.digest import digest_records, document_record
from molt.training.data.raw import Origin, RawData, combine, join
from molt.training.data.rows import NAMED, find_kind, read_contrasts, read_scored

_PAGE = 1000
_FORMATS = frozenset({".jsonl", ".ndjson", ".csv", ".tsv", ".parquet"})
_RECORDS = ("documents", "queries", "judgments", "pairs", "triplets", "scored")
_Read = Callable[[Callable[[RowError], None]], RawData]


def read_collection(catalog: Catalog, name: str) -> RawData:
    """Everything that the catalog holds of a collection. Raises `CollectionNotFoundError`."""
    collection = catalog.collections.get(name)
    raw = RawData(
        documents=tuple(_documents(catalog, collection)),
        queries=tuple(catalog.judgments.queries(collection)),
        judgments=tuple(catalog.judgments.graded(collection)),
        pairs=tuple(catalog.judgments.pairs(collection)),
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
    while page := catalog.documents.changed(collection, after=after, limit=_PAGE):
        yield from (stored.document for stored in page)
        after = page[-1].revision


def _origin(name: str, raw: RawData) -> Origin:
    """A collection's origin; changing a document and changing it back leaves it as it was."""
    documents = sorted(raw.documents, key=lambda document: document.id)
    judged = (map(astuple, records) for records in (raw.queries, raw.judgments, raw.pairs))
    digest = digest_records(chain(map(document_record, documents), *judged))
    rows = len(documents) + len(raw.queries) + len(raw.judgments) + len(raw.pairs)
    return Origin(name, digest, rows=rows)


def _read_path(path: Path) -> RawData:
    """One source. What is judged in a folder is judged by the ids of that folder."""
    if path.is_dir():
        own = [(file, kind) for file in sorted(path.iterdir()) if (kind := _own_kind(file))]
    else:
        kind = find_kind(path) if path.exists() else None
        own = [] if kind is None else [(path, kind)]
    parts = () if own and path.is_file() else _parts(path, needed=not own)
    mine = {file for file, _ in own}
    read = [_read_part(part, parts) for part in parts if part.path not in mine]
    return join(*read, *(_read_own(*one) for one in own))


def _parts(path: Path, *, needed: bool) -> tuple[SourcePart, ...]:
    """What an import would read; a folder may hold none of it where it is not `needed`."""
    try:
        return open_source(path).parts
    except (NothingThereError, ScoredTextsError):
        if needed:
            raise
        return ()


def _own_kind(path: Path) -> TaskKind | None:
    """What only training takes of a file in a folder, by its name, else by its columns."""
    told = read_name(path)
    if not path.is_file() or format_of(path) not in _FORMATS:
        return None
    named = next((NAMED[word] for word in told.words if word in NAMED), None)
    if named is not None or told.kind not in {None, RecordKind.PAIRS}:
        return named
    try:
        return find_kind(path)
    except SourceError:
        return None


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
            raw = RawData(pairs=tuple(source.pairs()))
        return replace(raw, remarks=tuple(source.remarks))

    return _recorded(part.path, read)


def _read_own(path: Path, kind: TaskKind) -> RawData:
    def read(reject: Callable[[RowError], None]) -> RawData:
        return (read_contrasts if kind is TaskKind.TRIPLETS else read_scored)(path, reject)

    return _recorded(path, read)


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
