"""A report of the gate as a home keeps it, with queries to judge, and what was spent on it."""

from pathlib import Path
from typing import Any

from molt.artifact import Home, write_manifest
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.judging.accounts import JudgedSplit

REPORT = "a1" * 8


def keep_report(home: Path, catalog: Catalog, name: str, **unjudged: tuple[str, list[str]]) -> None:
    """Keep one of a collection: queries by their ids, each with its text and documents."""
    body: dict[str, Any] = {
        "format": 1,
        "id": REPORT,
        "created_at": "2026-11-01T00:00:00+00:00",
        "facts": {"collection": name},
        "unjudged": [
            {"query_id": query_id, "query": text, "difference": 0.75, "doc_ids": doc_ids}
            for query_id, (text, doc_ids) in unjudged.items()
        ],
    }
    folder = Home(home).reports / REPORT
    folder.mkdir(parents=True)
    write_manifest(folder / "report.json", body)
    collection = catalog.collections.get(name)
    catalog.accounts.spend(
        collection,
        JudgedSplit("d", frozenset((b"query-01", b"query-02"))),
        candidate="c" * 16,
        baseline="b" * 16,
        renew_share=0.5,
        level_of=lambda *_: 0.05 / 3,
    )
    catalog.accounts.tell(collection, 1, 1, gained=False, report=REPORT)
