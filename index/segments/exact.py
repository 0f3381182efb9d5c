"""Exact search: the inner product of a query with every kept row. The oracle of every backend.

Reads mapped vectors in place: nothing is copied, so memory does not grow with the segment. One
call uses one thread and holds no lock while it computes.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import faiss
import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

IN_ORDER = 0.25  # reading all rows in order costs as much as visiting this share one by one

_ROUNDING = 1e-5  # two kernels may differ by this much on one inner product


@dataclass(frozen=True)
class Ranked:
    """Rows `(k,) int64` by falling score `(k,) float32`; equal scores by rising row."""

    scores: Vectors
    rows: Rows


NOTHING = Ranked(np.empty(0, np.float32), np.empty(0, np.int64))


def search_exactly(vectors: Vectors, query: Vectors, *, k: int, mask: Mask | None = None) -> Ranked:
    """The `k` best rows of `vectors` `(n, dim)` for `query` `(dim,)`, of those where `mask` holds.

    Which of several equal rows make the cut does not depend on `k`: pages never overlap.
    """
    kept = _kept_rows(mask, len(vectors))
    size = len(vectors) if mask is None else len(kept)
    if k < 1 or size == 0:
        return NOTHING
    best = _best(vectors, query, k=min(k + 1, size), mask=mask, kept=kept)
    if len(best.rows) > k and best.scores[k - 1] == best.scores[k]:
        tied = rows_reaching(vectors, query, score=float(best.scores[k]) - _ROUNDING, mask=mask)
        best = rank_rows(vectors, query, rows=tied, k=len(tied))
    return Ranked(best.scores[:k], best.rows[:k])


@dataclass(frozen=True)
class Rankings:
    """For each query rows `(n, depth) int32`, best first, and their scores `(n, depth) float32`."""

    rows: npt.NDArray[np.int32]
    scores: Vectors


def rank_queries(queries: Vectors, documents: Vectors, *, depth: int, threads: int) -> Rankings:
    """The `depth` best documents of each query by inner product; all, where there are fewer.

    `queries` `(n, dim)`, `documents` `(m, dim)`; equal scores by rising row. Beyond its result it
    takes no memory that grows with either.
    """
    depth = min(depth, len(documents))
    rows = np.empty((len(queries), depth), np.int32)
    scores = np.empty((len(queries), depth), np.float32)
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(lambda query: search_exactly(documents, query, k=depth), queries)
        for at, ranked in enumerate(found):
            rows[at], scores[at] = ranked.rows, ranked.scores
    return Rankings(rows, scores)


def rank_rows(vectors: Vectors, query: Vectors, *, rows: Rows, k: int) -> Ranked:
    """The `k` best of `rows` `(m,) int64`."""
    k = min(k, len(rows))
    if k == 0:
        return NOTHING
    scores, found = np.empty(k, np.float32), np.empty(k, np.int64)
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    pointers = [faiss.swig_ptr(array) for array in (query, vectors, rows)]
    faiss.omp_set_num_threads(1)
    faiss.knn_inner_products_by_idx(
        *pointers,
        vectors.shape[1],
        1,
        len(vectors),
        len(rows),
        k,
        faiss.swig_ptr(scores),
        faiss.swig_ptr(found),
    )
    return _ordered(scores, found)


def score_rows(vectors: Vectors, query: Vectors, *, rows: Rows) -> Vectors:
    """The score of each of `rows` `(m,) int64`, `(m,) float32`, as any search gives it."""
    scores = np.empty(len(rows), np.float32)
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    pointers = [faiss.swig_ptr(array) for array in (scores, query, vectors, rows)]
    faiss.omp_set_num_threads(1)
    faiss.fvec_inner_products_by_idx(*pointers, vectors.shape[1], 1, len(rows))
    return scores


def rows_reaching(
    vectors: Vectors, query: Vectors, *, score: float, mask: Mask | None = None
) -> Rows:
    """Every row whose score is at least `score`, of those where `mask` holds, by rising row."""
    result = faiss.RangeSearchResult(1)
    selector = None if mask is None else bitmap(mask)
    beyond = float(np.nextafter(np.float32(score), np.float32(-np.inf)))
    faiss.omp_set_num_threads(1)
    faiss.range_search_inner_product(
        faiss.swig_ptr(query),
        faiss.swig_ptr(vectors),
        vectors.shape[1],
        1,
        len(vectors),
        beyond,
        result,
        selector,
    )
    found = int(faiss.rev_swig_ptr(result.lims, 2)[1])
    if found == 0:
        return NOTHING.rows
    return np.sort(faiss.rev_swig_ptr(result.labels, found))


def bitmap(mask: Mask) -> faiss.IDSelectorBitmap:
    """A FAISS selector of the rows where `mask` holds; it keeps its own bits alive."""
    return faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))


def _kept_rows(mask: Mask | None, n_rows: int) -> Rows:
    return np.arange(0) if mask is None else np.flatnonzero(mask[:n_rows])


def _best(vectors: Vectors, query: Vectors, *, k: int, mask: Mask | None, kept: Rows) -> Ranked:
    if mask is not None and len(kept) < IN_ORDER * len(vectors):
        return rank_rows(vectors, query, rows=kept, k=k)
    scores, rows = np.empty(k, np.float32), np.empty(k, np.int64)
    selector = None if mask is None or len(kept) == len(vectors) else bitmap(mask)
    faiss.omp_set_num_threads(1)
    faiss.knn_inner_product(
        faiss.swig_ptr(query),
        faiss.swig_ptr(vectors),
        vectors.shape[1],
        1,
        len(vectors),
        k,
        faiss.swig_ptr(scores),
        faiss.swig_ptr(rows),
        selector,
    )
    return _ordered(scores, rows)


def _ordered(scores: Vectors, rows: Rows) -> Ranked:
    """FAISS leaves -1 where it found nothing, and orders equal scores as it likes."""
    found = rows >= 0
    if not found.all():
        scores, rows = scores[found], rows[found]
    order = np.lexsort((rows, -scores))
    return Ranked(scores[order], rows[order])
