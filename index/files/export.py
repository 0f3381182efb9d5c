"""Export: a collection as files that `molt import` reads again, and nothing is different.

A folder in the BEIR layout, or the documents alone as JSON Lines.
"""

import gzip
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from molt.index.catalog.document import Document
from molt.index.catalog.rows.exporting import CollectionRecords
from molt.index.files.judged.export import write_qrels

_GZIP_LEVEL = 6


def write_folder(records: CollectionRecords, folder: Path, *, suffix: str) -> dict[str, int]:
    """Write corpus, queries, judgments and pairs into a folder that is there; counts of each.

    `suffix` is `.jsonl` or `.jsonl.gz`.
    """
    counts = {
        "documents": _write(folder / f"corpus{suffix}", map(beir_document, records.documents())),
        "queries": _write(folder / f"queries{suffix}", (_query(one) for one in records.queries())),
        "judgments": _write_judgments(records, folder / "qrels"),
        "pairs": _write(folder / f"pairs{suffix}", (_pair(one) for one in records.pairs())),
    }
    if not counts["pairs"]:
        (folder / f"pairs{suffix}").unlink()
    return counts


def write_lines(file: BinaryIO, values: Iterable[dict[str, Any]]) -> int:
    """Write JSON Lines, and return how many."""
    count = 0
    for value in values:
        file.write(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE))
        count += 1
    return count


@contextmanager
def packing(file: BinaryIO, *, name: str) -> Iterator[BinaryIO]:
    """A file to write to, through gzip where its name ends in `.gz`; equal content, equal bytes."""
    if not name.endswith(".gz"):
        yield file
        return
    with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as packed:
        yield cast("BinaryIO", packed)


def beir_document(document: Document) -> dict[str, Any]:
    """A line of `corpus.jsonl`."""
    return {
        "_id": document.id,
        "title": document.title,
        "text": document.text,
        "metadata": document.metadata,
    }


def _query(query: Any) -> dict[str, Any]:
    return {"_id": query.id, "text": query.text, "metadata": query.metadata}


def _pair(pair: Any) -> dict[str, Any]:
    given = {"query": pair.query, "positive": pair.positive, "doc_id": pair.doc_id}
    return {name: value for name, value in given.items() if value is not None}


def _write(path: Path, values: Iterable[dict[str, Any]]) -> int:
    with path.open("wb") as file, packing(file, name=path.name) as packed:
        return write_lines(packed, values)


def _write_judgments(records: CollectionRecords, folder: Path) -> int:
    judgments = list(records.judgments())
    if judgments:
        write_qrels(folder, judgments)
    return len(judgments)
