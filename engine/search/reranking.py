"""Re-ranking: what a search may ask for, and how a second score is added to the first one's.

Pure arithmetic; what makes the second score is a stage of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molt.engine.search.candidates import Candidate
from molt.index.ranking.mixing import mixed, standardised

DEFAULT_DEPTH = 50
WEIGHT, FUSED_WEIGHT = 0.5, 0.2
"""What measured best over candidates of one retriever, and of several; see docs/reranking.md."""
NAME = "rerank"


class RerankKind(StrEnum):
    """What looks at the best candidates again."""

    TOKENS = "tokens"
    """Late interaction with the token vectors of the collection's own encoder."""


@dataclass(frozen=True)
class Reranking:
    """The `depth` best candidates are looked at again; `weight` is the second score's, 0 to 1.

    Without a `weight` it is `WEIGHT`, or `FUSED_WEIGHT` where several retrievers made the first.
    """

    kind: RerankKind
    depth: int = DEFAULT_DEPTH
    weight: float | None = None

    def weight_for(self, candidates: Sequence[Candidate]) -> float:
        """How much the second score of these candidates counts."""
        if self.weight is not None:
            return self.weight
        retrievers = {name for one in candidates for name in one.scores}
        return FUSED_WEIGHT if len(retrievers) > 1 else WEIGHT


@dataclass(frozen=True)
class Reranked:
    """What was done: so many candidates looked at again, `n_encoded` of which were not known."""

    wanted: Reranking
    weight: float
    n_candidates: int
    n_encoded: int


def describe_reranking(done: Reranked | None) -> dict[str, Any] | None:
    """As answers tell it."""
    if done is None:
        return None
    wanted = done.wanted
    return {"kind": wanted.kind, "depth": wanted.depth, "weight": done.weight}


def reranked(
    candidates: Sequence[Candidate], scores: NDArray[np.float32], *, weight: float
) -> tuple[Candidate, ...]:
    """Candidates in the order of both scores together; `scores` `(n,)` is the second one of each.

    Both are standardised over the candidates (z-scores) and added, `1 - weight` of the first to
    `weight` of the second. What a candidate's score becomes keeps the mean and the spread that the
    first scores have, and stays within their range: it is comparable with that of candidates
    further down, and no threshold that all of them reached is missed.
    """
    first = np.array([one.score for one in candidates])
    both = mixed(first, scores.astype(np.float64), weight=weight)
    wanted = first.mean() + float(first.std()) * standardised(both)
    bounded = np.clip(wanted, first.min(), first.max())
    order = np.argsort(-both, kind="stable")
    return tuple(
        replace(
            candidates[at],
            score=float(bounded[at]),
            scores={**candidates[at].scores, NAME: float(scores[at])},
        )
        for at in order
    )
