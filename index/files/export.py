"""Export: a collection as files that `molt import` reads again, and nothing is different.

A folder in the BEIR layout, or the documents alone as JSON Lines.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from molt.index.catalog.document import Document
from molt.index.catalog.rows.exporting import CollectionRecords
from molt.index.files.judged.export import write_qrels
from molt.index.files.judged.pair_export import pair_line
from molt.index.files.objects.writing import packing, write_lines


def write_folder(records: CollectionRecords, folder: Path, *, suffix: str) -> dict[str, int]:
    """Write corpus, queries, judgments and pairs into a folder that is there; counts of each.

    `suffix` is `.jsonl` or `.jsonl.gz`.
    """
    counts = {
        "documents": _write(folder / f"corpus{suffix}", map(beir_document, records.documents())),
        "queries": _write(folder / f"queries{suffix}", (_query(one) for one in records.queries())),
        "judgments": _write_judgments(records, folder / "qrels"),
        "pairs": _write(folder / f"pairs{suffix}", map(pair_line, records.pairs())),
    }
    if not counts["pairs"]:
        (folder / f"pairs{suffix}").unlink()
    return counts


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


def _write(path: Path, values: Iterable[dict[str, Any]]) -> int:
    with path.open("wb") as file, packing(file, name=path.name) as packed:
        return write_lines(packed, values)


def _write_judgments(records: CollectionRecords, folder: Path) -> int:
    judgments = list(records.judgments())
    if judgments:
        write_qrels(folder, judgments)
    return len(judgments)
