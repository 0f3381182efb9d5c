"""The oracle of recall: exact search over the vectors that a home's segments hold.

Reads `vectors.npy` and `rows.npy` and the catalog's document ids plainly, without Molt's own
code, so that a fault there cannot hide here. Holds for a collection without updates or deletes,
where every row is live.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

BLOCK = 512
TIE = 1e-6


@dataclass(frozen=True)
class Passages:
    """Row `i` of `vectors` `(n, dim) float32` is a passage of document `doc_ids[documents[i]]`.

    Rows of one document lie together; `starts` `(len(doc_ids),)` is where each begins.
    """

    doc_ids: list[str]
    vectors: npt.NDArray[np.float32]
    starts: npt.NDArray[np.int64]

    def scores(self, queries: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[np.float32]]:
        """For each query the score `(len(doc_ids),)` of each document: its best passage's."""
        for first in range(0, len(queries), BLOCK):
            products = queries[first : first + BLOCK] @ self.vectors.T
            yield from np.maximum.reduceat(products, self.starts, axis=1)


def read_passages(home: Path, *, collection: str, generation: str) -> Passages:
    """All passages of one generation, ordered by document."""
    folder = home / "generations" / generation
    segments = json.loads((folder / "generation.json").read_text(encoding="utf-8"))["segments"]
    folders = [folder / "segments" / segment["id"] for segment in segments]
    rows = np.concatenate([np.load(part / "rows.npy") for part in folders])
    vectors = np.concatenate([np.load(part / "vectors.npy") for part in folders])
    order = np.lexsort((rows["passage"], rows["ordinal"]))
    ordinals, starts = np.unique(rows["ordinal"][order], return_index=True)
    names = _names(home, collection)
    return Passages(
        doc_ids=[names[int(ordinal)] for ordinal in ordinals],
        vectors=vectors[order].astype(np.float32, copy=False),
        starts=starts,
    )


def read_vectors(
    home: Path, *, collection: str, generation: str
) -> dict[str, npt.NDArray[np.float32]]:
    """The vector of each live document that is one passage, by its id; updates do not occur."""
    folder = home / "generations" / generation
    segments = json.loads((folder / "generation.json").read_text(encoding="utf-8"))["segments"]
    names = _names(home, collection)
    found = {}
    for segment in segments:
        part = folder / "segments" / segment["id"]
        rows, vectors = np.load(part / "rows.npy"), np.load(part / "vectors.npy")
        for row, vector in zip(rows, vectors, strict=True):
            if int(row["ordinal"]) in names:
                found[names[int(row["ordinal"])]] = vector
    return found


def recall_at_10(
    passages: Passages,
    queries: npt.NDArray[np.float32],
    rankings: list[dict[str, float]],
    *,
    allowed: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.float64]:
    """Recall@10 `(n,)` of each ranking against exact search among the `allowed` documents.

    A document found counts where its exact score reaches the tenth's: ties are no misses. One
    that is not allowed never counts.
    """
    places = {doc_id: place for place, doc_id in enumerate(passages.doc_ids)}
    recalls = []
    for scores, ranking in zip(passages.scores(queries), rankings, strict=True):
        kept = scores if allowed is None else np.where(allowed, scores, -np.inf)
        wanted = min(10, int(np.isfinite(kept).sum()))
        tenth = np.partition(kept, -wanted)[-wanted]
        found = kept[[places[doc_id] for doc_id in list(ranking)[:10]]]
        recalls.append(float((found >= tenth - TIE).sum()) / wanted)
    return np.array(recalls)


def _names(home: Path, collection: str) -> dict[int, str]:
    with closing(sqlite3.connect(f"file:{home / 'catalog.sqlite3'}?mode=ro", uri=True)) as catalog:
        rows = catalog.execute(
            "SELECT ordinal, doc_id FROM documents JOIN collections"
            " ON collections.id = collection_id WHERE name = ?",
            (collection,),
        )
        return dict(rows.fetchall())
