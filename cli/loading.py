"""Loading: the records of sources into the catalog, batch by batch. Indexes nothing.

Each batch is one durable transaction, and writing a record again changes nothing, so loading that
was interrupted is resumed by doing it again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from molt.cli.progress import Progress

if TYPE_CHECKING:
    from molt.index.catalog.catalog import Catalog
    from molt.index.catalog.collection import Collection
    from molt.index.catalog.document import Document
    from molt.index.files import Source

_BATCH = 1000
_RECORD_KINDS = ("documents", "queries", "judgments", "pairs")

_Record = TypeVar("_Record")
_Task = tuple["Source", str, Iterator[list[Any]], Callable[..., object]]


def load(
    sources: "Sequence[Source]",
    *,
    catalog: "Catalog",
    collection: "Callable[[], Collection]",
    progress: Progress,
) -> dict[str, int]:
    """Write every record of the sources; how many there were of each kind.

    The collection is asked for when there is something to write, so that none is made for nothing.
    Raises `SourceError` where a file cannot be read to its end, and what the catalog raises.
    """
    counts = dict.fromkeys(_RECORD_KINDS, 0)
    for source, kind, batches, write in _tasks(sources, catalog, collection):
        before = counts[kind]
        for batch in batches:
            write(batch)
            counts[kind] += len(batch)
            total = _expected(source, counts[kind], before) if kind == "documents" else None
            progress.report(kind, counts[kind], total=total)
    for kind, count in counts.items():
        if count:
            progress.finish(kind, count)
    return counts


def _tasks(
    sources: "Sequence[Source]", catalog: "Catalog", collection: "Callable[[], Collection]"
) -> Iterator[_Task]:
    """For each source and kind of record: its batches, and what writes one of them.

    Judgments and pairs of held-out splits come last: the later of two records stays.
    """

    def upsert(batch: "list[Document]") -> None:
        catalog.documents.upsert(collection(), batch)

    def put(**records: Any) -> None:
        catalog.judgments.put(collection(), **records)

    for source in sources:
        yield source, "documents", _distinct_batches(source.documents()), upsert
        yield source, "queries", _batches(source.queries()), lambda batch: put(queries=batch)
    for source in sorted(sources, key=lambda each: each.held_out):
        yield source, "judgments", _batches(source.judgments()), lambda batch: put(judgments=batch)
        yield source, "pairs", _batches(source.pairs()), lambda batch: put(pairs=batch)


def _batches(records: Iterable[_Record]) -> Iterator[list[_Record]]:
    batch: list[_Record] = []
    for record in records:
        batch.append(record)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _distinct_batches(documents: "Iterable[Document]") -> "Iterator[list[Document]]":
    """Batches that hold no id twice: of two documents with one id the later one stays."""
    batch: dict[str, Document] = {}
    for document in documents:
        if len(batch) == _BATCH or document.id in batch:
            yield list(batch.values())
            batch = {}
        batch[document.id] = document
    if batch:
        yield list(batch.values())


def _expected(source: "Source", done: int, before: int) -> int | None:
    """How many documents there will be, judged by the bytes that those of this source took."""
    from molt.index.files import RecordKind  # noqa: PLC0415

    position = source.progress.position
    if not position:
        return None
    return before + round((done - before) * source.size(RecordKind.DOCUMENTS) / position)
