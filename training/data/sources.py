"""Sources: raw data read from a collection of the catalog, or from files."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, replace
from itertools import chain
from pathlib import Path

from molt.artifact import hash_file
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collections import Collection
from molt.index.catalog.document import Document
from molt.index.files import RecordKind, RowError, Source, SourcePart, open_source
from molt.training.data.dataset import TaskKind
from molt.training.data.digest import digest_records, document_record
from molt.training.data.raw import Origin, RawData, combine, join
from molt.training.data.rows import NAMED, find_kind, read_scored, read_triplets

_PAGE = 1000
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
        own = [(file, NAMED[file.name.split(".", 1)[0]]) for file in _own_files(path)]
    else:
        kind = find_kind(path) if path.exists() else None
        own = [] if kind is None else [(path, kind)]
    alone = bool(own) and (path.is_file() or not _is_beir(path))
    parts = () if alone else open_source(path).parts
    read = [_read_part(part) for part in parts] + [_read_own(*one) for one in own]
    return join(*read)


def _own_files(folder: Path) -> list[Path]:
    ends = (".jsonl", ".jsonl.gz")
    names = [folder / f"{stem}{end}" for stem in NAMED for end in ends]
    return [path for path in names if path.is_file()]


def _is_beir(folder: Path) -> bool:
    return any(
        path.name.split(".", 1)[0] in {"corpus", "queries", "pairs", "qrels"}
        for path in folder.iterdir()
    )


def _read_part(part: SourcePart) -> RawData:
    def read(reject: Callable[[RowError], None]) -> RawData:
        source = Source((part,), reject=reject)
        if part.kind is RecordKind.DOCUMENTS:
            return RawData(documents=tuple(source.documents()))
        if part.kind is RecordKind.QUERIES:
            return RawData(queries=tuple(source.queries()))
        if part.kind is RecordKind.JUDGMENTS:
            return RawData(judgments=tuple(source.judgments()))
        return RawData(pairs=tuple(source.pairs()))

    return _recorded(part.path, read)


def _read_own(path: Path, kind: TaskKind) -> RawData:
    def read(reject: Callable[[RowError], None]) -> RawData:
        if kind is TaskKind.TRIPLETS:
            return RawData(triplets=read_triplets(path, reject))
        return RawData(scored=read_scored(path, reject))

    return _recorded(path, read)


def _recorded(path: Path, read: _Read) -> RawData:
    """What `read` gives, with where it came from and the rows that were rejected."""
    bad: list[RowError] = []
    raw = read(bad.append)
    rows = sum(len(getattr(raw, name)) for name in RawData.__dataclass_fields__)
    origin = Origin(str(path), hash_file(path).sha256, rows=rows, rejected=len(bad))
    return replace(
        raw,
        origins=(origin,),
        rejected=tuple(f"{error.path}:{error.line}: {error.reason}" for error in bad),
    )
