"""Digests: one SHA-256 over records, equal for equal content whatever it came from."""

import hashlib
import json
from collections.abc import Iterable

from molt.index.catalog.document import Document
from molt.training.data.dataset import Corpus, Split, Task


def digest_records(records: Iterable[object]) -> str:
    """SHA-256 over the JSON of records in their order, as 64 hex digits."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(json.dumps(record, sort_keys=True, separators=(",", ":")).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def digest_dataset(corpus: Corpus, splits: Iterable[Split], tasks: Iterable[Task]) -> str:
    """The digest of everything that a dataset holds."""
    parts = [
        digest_records(
            [*document_record(document), text]
            for document, text in zip(corpus.documents, corpus.texts, strict=True)
        )
    ]
    parts += [digest_split(split) for split in splits]
    parts += [digest_task(task) for task in tasks]
    return digest_records(parts)


def digest_split(split: Split) -> str:
    """The digest of judged queries and their grades."""
    return digest_records(
        [query.id, query.text, dict(query.metadata), dict(split.qrels[query.id])]
        for query in split.queries.values()
    )


def digest_task(task: Task) -> str:
    """The digest of a task's name, kind and examples."""
    head = [task.name, task.kind.value]
    return digest_records([head, *(list(vars(example).values()) for example in task.examples)])


def document_record(document: Document) -> list[object]:
    """What of a document goes into a digest."""
    return [document.id, document.title, document.text, dict(document.metadata)]
