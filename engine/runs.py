"""Rankings: the best documents of each query by exact search over the whole corpus.

No index takes part: what is measured is the encoder. Knows nothing of judgments.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from molt.encoder import Encoder
from molt.encoder.host import cores
from molt.engine.vector_cache import OnProgress, Vectors, encode_corpus, encode_queries, quiet
from molt.index.catalog.judgments import Query
from molt.index.segments.exact import Ranked, search_exactly
from molt.training.data.dataset import Corpus

DEPTH = 100


@dataclass(frozen=True)
class Run:
    """For each query the documents' places in the corpus, best first.

    `rows` `(n, depth) int32` and their `scores` `(n, depth) float32`; equal scores by rising row.
    """

    query_ids: tuple[str, ...]
    rows: npt.NDArray[np.int32]
    scores: Vectors


def run_of(
    encoder: Encoder,
    *,
    corpus: Corpus,
    queries: Sequence[Query],
    cache: Path,
    progress: OnProgress = quiet,
) -> Run:
    """Encode the corpus and the queries with one encoder, and rank. Raises `EvaluationError`."""
    asked = encode_queries(encoder, [query.text for query in queries], progress=progress)
    documents = encode_corpus(encoder, corpus, cache=cache, progress=progress)
    progress(f"rankings by {encoder.checkpoint.id}", 0, len(queries))
    run = rank_exactly(asked, documents, query_ids=[query.id for query in queries])
    progress(f"rankings by {encoder.checkpoint.id}", len(queries), len(queries))
    return run


def rank_exactly(
    queries: Vectors, documents: Vectors, *, query_ids: Sequence[str], depth: int = DEPTH
) -> Run:
    """The `depth` best documents of each query by inner product; all, where there are fewer.

    `queries` `(n, dim)`, `documents` `(m, dim)`. Beyond its result it takes no memory that grows
    with either.
    """
    depth = min(depth, len(documents))
    rows = np.empty((len(queries), depth), np.int32)
    scores = np.empty((len(queries), depth), np.float32)

    def one(query: Vectors) -> Ranked:
        return search_exactly(documents, query, k=depth)

    with ThreadPoolExecutor(cores()) as pool:
        for at, found in enumerate(pool.map(one, queries)):
            rows[at], scores[at] = found.rows, found.scores
    return Run(tuple(query_ids), rows, scores)
