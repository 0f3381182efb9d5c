"""Fidelity: how near a variant's vectors are to the model's own, and what it costs in ranking."""

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


def compare(vectors: ProbeVectors, *, reference: ProbeVectors) -> Fidelity:
    """The fidelity of `vectors` to `reference`; a vector that is not finite counts as nought."""
    cosines = np.concatenate(
        [
            _cosines(vectors.queries, reference.queries),
            _cosines(vectors.documents, reference.documents),
        ]
    )
    return Fidelity(
        cosine_mean=round(float(cosines.mean()), 6),
        cosine_min=round(float(cosines.min()), 6),
        ndcg10=round(_ndcg(vectors), 6),
        ndcg10_reference=round(_ndcg(reference), 6),
    )


def _cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row by row; the lengths are divided out, so a graph that forgot to normalise is not hidden
    by them but by nothing else."""
    products = np.einsum("ij,ij->i", np.nan_to_num(left), right)
    return np.asarray(products, dtype=np.float32)


def _ndcg(vectors: ProbeVectors) -> float:
    """nDCG@10 where the document at a query's own place is the one relevant document."""
    scores = np.nan_to_num(vectors.queries @ vectors.documents.T, nan=-1.0)
    own = np.diag(scores)
    ranks = (scores > own[:, None]).sum(axis=1)
    gains = np.where(ranks < _CUTOFF, 1 / np.log2(ranks + 2), 0.0)
    return float(gains.mean())
