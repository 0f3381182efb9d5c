"""Re-ranking a search's candidates: how a second score is added to the first one's.

Pure arithmetic over `index.ranking`'s; what makes the second score is a stage of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from molt.encoder.kind import Capability
from molt.engine.search.candidates import Candidate
from molt.index.ranking.mixing import mixed_scores, standardised
from molt.index.ranking.reranking import Reranking, RerankKind

if TYPE_CHECKING:
    from molt.engine.live.pair import Live
    from molt.engine.search.query import SearchQuery

WEIGHT = 0.5
"""What measured best over candidates of one retriever; see docs/reranking.md."""
NAME = "rerank"
AS_TUNED: Literal["as tuned"] = "as tuned"
WantedReranking = Reranking | Literal["as tuned"] | None
"""What a search asks for: this one, what its collection was tuned to, or none."""


def tuned_reranking(query: "SearchQuery", live: "Live") -> Reranking | None:
    """What looks again at the candidates of a search that leaves it to its collection.

    What is tuned is a hybrid search by a text; another search has none. Nor has one that was tuned
    to token vectors, by an encoder that came since and lacks them.
    """
    ranking = live.collection.ranking
    if ranking is None or ranking.rerank is None or query.mode != "hybrid" or query.like:
        return None
    if ranking.rerank.kind is RerankKind.CROSS_ENCODER:
        return ranking.rerank
    return ranking.rerank if Capability.TOKENS in live.encoder.checkpoint.capabilities else None


def as_tuned(query: "SearchQuery", live: "Live") -> "SearchQuery":
    """A query that says by what it is re-ranked, if at all: as it asks, or as was tuned."""
    if query.rerank != AS_TUNED:
        return query
    return replace(query, rerank=tuned_reranking(query, live), tuned=True)


def weight_for(wanted: Reranking, candidates: Sequence[Candidate]) -> float:
    """How much the second score of these candidates counts."""
    if wanted.weight is not None:
        return wanted.weight
    retrievers = {name for one in candidates for name in one.scores}
    return wanted.usual_weight if len(retrievers) > 1 else WEIGHT


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
    return replace(done.wanted, weight=done.weight).describe()


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
    both = mixed_scores(first, scores.astype(np.float64), weight=weight)
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
