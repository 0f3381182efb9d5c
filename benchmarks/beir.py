"""A corpus in BEIR layout, as the benchmarks read it: plainly, without Molt's own importer."""

import csv
import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Corpus:
    """Documents, the queries of one split, and their graded judgments.

    `rows` are the documents as their file has them, `texts` what is encoded of them.
    """

    name: str
    doc_ids: list[str]
    rows: list[dict[str, Any]]
    texts: list[str]
    query_ids: list[str]
    queries: list[str]
    qrels: dict[str, dict[str, int]]


def read_jsonl(stem: Path) -> Iterator[dict[str, Any]]:
    """Rows of `stem` (`….jsonl`), or of its gzip when only that exists."""
    if stem.exists():
        with stem.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    else:
        with gzip.open(stem.with_name(stem.name + ".gz"), "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Judgments of one split: query id to document id to grade."""
    qrels: dict[str, dict[str, int]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            qrels.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    return qrels


def read_corpus(folder: Path, *, split: str = "test") -> Corpus:
    """Read a BEIR folder; a document's text is its title and text joined by a space."""
    documents = list(read_jsonl(folder / "corpus.jsonl"))
    qrels = read_qrels(folder / "qrels" / f"{split}.tsv")
    queries = {q["_id"]: q["text"] for q in read_jsonl(folder / "queries.jsonl")}
    query_ids = [query_id for query_id in queries if query_id in qrels]
    return Corpus(
        name=folder.name,
        doc_ids=[d["_id"] for d in documents],
        rows=documents,
        texts=[f"{d.get('title') or ''} {d['text']}".strip() for d in documents],
        query_ids=query_ids,
        queries=[queries[query_id] for query_id in query_ids],
        qrels=qrels,
    )
