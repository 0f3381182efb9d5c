"""Fidelity: how near a variant's vectors are to the model's own, and what it costs in ranking."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molt.encoder import Fidelity

_CUTOFF = 10


@dataclass(frozen=True)
class ProbeVectors:
    """Vectors of the probe set, `(n, dim) float32` and L2-normalised each."""

    queries: NDArray[np.float32]
    documents: NDArray[np.float32]


def compare(vectors: ProbeVectors, *, reference: ProbeVectors, answers: Sequence[int]) -> Fidelity:
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


def _cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosines, row by row, less what a length misses 1 by: normalising is part of the graph."""
    left = np.nan_to_num(left)
    lengths = np.linalg.norm(left, axis=1)
    cosines = np.einsum("ij,ij->i", left, right) / np.maximum(lengths, 1e-12)
    return np.asarray(cosines - np.abs(1 - lengths), dtype=np.float32)


def _ndcg(vectors: ProbeVectors, answers: Sequence[int]) -> float:
    """nDCG@10 where each query has one relevant document, of gain 1."""
    scores = np.nan_to_num(vectors.queries) @ np.nan_to_num(vectors.documents).T
    own = scores[np.arange(len(scores)), np.asarray(answers)]
    ranks = (scores >= own[:, None]).sum(axis=1) - 1  # ties count against the answer
    gains = np.where(ranks < _CUTOFF, 1 / np.log2(ranks + 2), 0.0)
    return float(gains.mean())
