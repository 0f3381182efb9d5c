"""Similarity of two rankings of the same queries. Knows nothing of relevance.

Rank-biased overlap: W. Webber, A. Moffat, J. Zobel, "A similarity measure for indefinite
rankings", ACM TOIS 28(4), 2010.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.training.evaluation.runs import Run

_Rows = npt.NDArray[np.int32]
_Values = npt.NDArray[np.float64]

PERSISTENCE = 0.9
_BLOCK = 256


@dataclass(frozen=True)
class Similarity:
    """Means over queries: `rbo` and the share of the first ten that both have; 1 is equal."""

    rbo: float
    overlap10: float


def compare_runs(left: Run, right: Run) -> Similarity:
    """How alike two runs over the same queries are."""
    return Similarity(
        rbo=float(rbo(left.rows, right.rows).mean()),
        overlap10=float(overlap(left.rows, right.rows, depth=10).mean()),
    )


def rbo(left: _Rows, right: _Rows, *, p: float = PERSISTENCE) -> _Values:
    """Extrapolated RBO (equation 32 of the paper) of each query `(n,)`; 0 disjoint, 1 equal.

    `left` and `right` `(n, k)` hold no document twice in a row. `p` is how likely a reader goes
    on from one rank to the next.
    """
    shared = _shared(left, right)
    ranks = np.arange(1, left.shape[1] + 1)
    agreement = shared / ranks
    weights = (1 - p) / p * p**ranks
    return np.asarray(agreement @ weights + agreement[:, -1] * p ** ranks[-1])


def overlap(left: _Rows, right: _Rows, *, depth: int) -> _Values:
    """The share of the first `depth` documents that both rankings have, of each query `(n,)`."""
    depth = min(depth, left.shape[1])
    return np.asarray(_shared(left[:, :depth], right[:, :depth])[:, -1] / depth)


def _shared(left: _Rows, right: _Rows) -> npt.NDArray[np.int64]:
    """How many documents the two have in common down to each rank, `(n, k)`."""
    n, k = left.shape
    counts = np.zeros((n, k), np.int64)
    for start in range(0, n, _BLOCK):
        block = slice(start, start + _BLOCK)
        equal = left[block, :, None] == right[block, None, :]
        query, at, other = np.nonzero(equal & (left[block, :, None] >= 0))
        np.add.at(counts[block], (query, np.maximum(at, other)), 1)
    return np.cumsum(counts, axis=1)
