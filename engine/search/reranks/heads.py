"""Heads: the best candidates of a search, read and put into another order by a second score.

What makes that score is the business of each re-ranker.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidate, Candidates
from molt.engine.search.reranks.reranking import Reranked, reranked, weight_for
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.document import Document, passage_text
from molt.index.ranking.reranking import Reranking


@dataclass(frozen=True)
class SecondScores:
    """The second score `(n,) float32` of each text, `n_encoded` of which were not known before."""

    scores: NDArray[np.float32]
    n_encoded: int


ScoreHead = Callable[[Sequence[str]], SecondScores]
"""Scores texts, at least one."""


def rerank_head(
    wanted: Reranking, found: Candidates, *, live: Live, catalog: Catalog, score: ScoreHead
) -> Candidates:
    """Candidates of which the `wanted.depth` best are in the order of both scores.

    Their passages are read from the catalog as it now is. One that was deleted since the snapshot
    was taken is left out, as it would be from the answer.
    """
    head, tail = found.ranking[: wanted.depth], found.ranking[wanted.depth :]
    stored = catalog.documents.hydrate(live.collection, [one.ordinal for one in head])
    head = tuple(one for one in head if one.ordinal in stored)
    weight = weight_for(wanted, head)
    if not head:
        return replace(found, ranking=tail, reranked=Reranked(wanted, weight, 0, 0))
    second = score([candidate_text(stored[one.ordinal].document, one) for one in head])
    ordered = reranked(head, second.scores, weight=weight)
    told = Reranked(wanted, weight, len(head), second.n_encoded)
    return replace(found, ranking=(*ordered, *tail), reranked=told)


def candidate_text(document: Document, candidate: Candidate) -> str:
    """The text that was encoded for the candidate's passage, unless the document has changed."""
    span = candidate.passage
    return passage_text(title=document.title, text=document.text[span.start : span.end])
