"""Fidelity: how near a variant's vectors are to the model's own, and what it costs in ranking."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molt.encoder import Fidelity, PairFidelity

_CUTOFF = 10
_FAR = 1e3


@dataclass(frozen=True)
class ProbeVectors:
    """Vectors of the probe set, `(n, dim) float32` and L2-normalised each."""

    queries: NDArray[np.float32]
    documents: NDArray[np.float32]


def measure_fidelity(
    vectors: ProbeVectors, *, reference: ProbeVectors, answers: Sequence[int]
) -> Fidelity:
    """The fidelity of `vectors` to `reference`; what is not finite counts as zero.

    `answers` names for each query its one relevant document.
    """
    cosines = np.concatenate(
        [
            _cosines(vectors.queries, reference.queries),
            _cosines(vectors.documents, reference.documents),
        ]
    )
    return Fidelity(
        cosine_mean=round(float(cosines.mean()), 6),
        cosine_min=round(float(cosines.min()), 6),
        ndcg10=round(_ndcg(vectors, answers), 6),
        ndcg10_reference=round(_ndcg(reference, answers), 6),
    )


def measure_pair_fidelity(
    scores: NDArray[np.float32], *, reference: NDArray[np.float32], answers: Sequence[int]
) -> PairFidelity:
    """The fidelity of `scores` `(queries, texts)`; what is not finite counts as far off.

    `answers` names of each query the place of its one relevant text.
    """
    scores = np.nan_to_num(scores, posinf=-_FAR, neginf=-_FAR, nan=-_FAR)
    return PairFidelity(
        rank_correlation=round(_spearman(scores.ravel(), reference.ravel()), 6),
        error_max=round(float(np.abs(scores - reference).max()), 6),
        ndcg10=round(_ndcg_of(scores, answers), 6),
        ndcg10_reference=round(_ndcg_of(reference, answers), 6),
    )


def _spearman(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """Spearman's rank correlation; 0 where all are alike."""
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return 0.0
    ranks = [np.argsort(np.argsort(values, kind="stable")) for values in (left, right)]
    return float(np.asarray(np.corrcoef(np.stack(ranks)))[0, 1])


def _cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosines, row by row, less what a length misses 1 by: normalising is part of the graph."""
    left = np.nan_to_num(left)
    lengths = np.linalg.norm(left, axis=1)
    cosines = np.einsum("ij,ij->i", left, right) / np.maximum(lengths, 1e-12)
    return np.asarray(cosines - np.abs(1 - lengths), dtype=np.float32)


def _ndcg(vectors: ProbeVectors, answers: Sequence[int]) -> float:
    scores = np.nan_to_num(vectors.queries) @ np.nan_to_num(vectors.documents).T
    return _ndcg_of(scores, answers)


def _ndcg_of(scores: NDArray[np.float32], answers: Sequence[int]) -> float:
    """nDCG@10 where each query has one relevant document, of gain 1."""
    own = scores[np.arange(len(scores)), np.asarray(answers)]
    ranks = (scores >= own[:, None]).sum(axis=1) - 1  # ties count against the answer
    gains = np.where(ranks < _CUTOFF, 1 / np.log2(ranks + 2), 0.0)
    return float(gains.mean())
