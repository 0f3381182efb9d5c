"""Fidelity: how true a variant is to its model in fp32, and how true it has to be to serve.

Only says what was measured; measuring is done where checkpoints are made.
"""

from dataclasses import dataclass

MINIMUM_COSINE = 0.99
MINIMUM_CORRELATION = 0.99
MAXIMUM_NDCG_LOSS = 0.005
MAXIMUM_PAIR_NDCG_LOSS = 0.02
"""Of far fewer texts: there a single query whose ranking changes costs a percent."""


@dataclass(frozen=True)
class Fidelity:
    """How true a variant is to sentence-transformers in fp32, measured on the probe set."""

    cosine_mean: float
    cosine_min: float
    ndcg10: float
    ndcg10_reference: float

    @property
    def ndcg10_loss(self) -> float:
        """The loss of nDCG@10 relative to the reference; negative where the variant gains."""
        return _loss(self.ndcg10, self.ndcg10_reference)

    @property
    def within_budget(self) -> bool:
        """Whether vectors so near to the model's may serve."""
        return self.cosine_mean >= MINIMUM_COSINE and self.ndcg10_loss <= MAXIMUM_NDCG_LOSS


@dataclass(frozen=True)
class PairFidelity:
    """How true a cross-encoder's variant is to the model in fp32, on pairs of the probe set.

    `rank_correlation` is Spearman's, of the scores of all pairs; `error_max` is the largest
    difference of a score, which is a log-odd.
    """

    rank_correlation: float
    error_max: float
    ndcg10: float
    ndcg10_reference: float

    @property
    def within_budget(self) -> bool:
        """Whether scores so near to the model's may serve."""
        loss = _loss(self.ndcg10, self.ndcg10_reference)
        return self.rank_correlation >= MINIMUM_CORRELATION and loss <= MAXIMUM_PAIR_NDCG_LOSS


def _loss(ndcg10: float, reference: float) -> float:
    return 1 - ndcg10 / reference if reference > 0 else 0.0
