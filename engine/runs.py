"""Runs: what a search would find for many queries over a whole corpus, without an index of it.

Made by the encoder as it serves, and by exact search; knows nothing of judgments, nor of how texts
are split.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from molt.encoder import Encoder
from molt.encoder.host import cores
from molt.encoder.vector_cache import OnProgress, encode_documents, encode_queries, quiet
from molt.index.segments.exact import Ranked, Rows, Vectors, search_exactly

DEPTH = 100


@dataclass(frozen=True)
class CorpusPassages:
    """A corpus as an index under one encoder has it: of each passage the text that is encoded.

    `first` `(n,) int64` is where each document's passages begin; they lie one behind the other.
    """

    texts: Sequence[str]
    first: Rows

    @property
    def owners(self) -> Rows:
        """The place of each passage's document, ascending."""
        counts = np.diff(self.first, append=len(self.texts))
        return np.repeat(np.arange(len(self.first)), counts)


def whole_texts(texts: Sequence[str]) -> CorpusPassages:
    """Documents with one passage each."""
    return CorpusPassages(texts, np.arange(len(texts)))


@dataclass(frozen=True)
class CorpusRankings:
    """For each query documents by place, best first, `rows` `(n, depth) int32`.

    Each has the score of its best passage, `scores` `(n, depth) float32`, and the row of that,
    `passages` `(n, depth) int64`; equal scores by rising row.
    """

    rows: npt.NDArray[np.int32]
    scores: Vectors
    passages: Rows


def rank_corpus(  # noqa: PLR0913  each by name
    encoder: Encoder,
    *,
    passages: CorpusPassages,
    queries: Sequence[str],
    cache: Path,
    depth: int = DEPTH,
    progress: OnProgress = quiet,
) -> CorpusRankings:
    """The `depth` best documents for each query; vectors that `cache` holds are taken from there.

    Raises `UnsoundVectorsError`, and what encoding raises.
    """
    asked = encode_queries(encoder, queries, progress=progress)
    vectors = encode_documents(encoder, passages.texts, cache=cache, progress=progress)
    stage = f"rankings by {encoder.checkpoint.id}"
    progress(stage, 0, len(queries))
    depth = min(depth, len(passages.first))
    rank = partial(_best_documents, vectors, owners=passages.owners, depth=depth)
    rows, found = np.empty((len(queries), depth), np.int64), np.empty((len(queries), depth))
    with ThreadPoolExecutor(cores()) as pool:
        for at, ranked in enumerate(pool.map(rank, asked)):
            rows[at], found[at] = ranked.rows, ranked.scores
    progress(stage, len(queries), len(queries))
    documents = passages.owners[rows].astype(np.int32)
    return CorpusRankings(documents, found.astype(np.float32), rows)


def _best_documents(vectors: Vectors, query: Vectors, *, owners: Rows, depth: int) -> Ranked:
    """The best passage of each of the `depth` best documents."""
    k = depth
    while True:
        ranked = search_exactly(vectors, query, k=k)
        _, places = np.unique(owners[ranked.rows], return_index=True)
        if len(places) >= depth:
            best = np.sort(places)[:depth]
            return Ranked(ranked.scores[best], ranked.rows[best])
        k *= 4
