"""Labelling: of the queries that nobody has judged, which would tell two rankings apart.

Where both show the same documents, no judgment can favour one of them. Which documents are judged
should not favour one either, so the best of both are pooled (K. Sparck Jones, C. van Rijsbergen,
"Report on the need for and provision of an 'ideal' information retrieval test collection", 1975).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from molt.index.catalog.judgments import Query
from molt.training.evaluation.runs import Run
from molt.training.evaluation.similarity import rbo

_DEPTH = 10
"""As deep as nDCG@10 looks."""


@dataclass(frozen=True)
class UnjudgedQuery:
    """A query that nobody has judged, and the first ten documents of two rankings, pooled.

    `difference` is 1 - RBO over the first ten: 0 where both are the same, 1 where they share
    nothing. The documents come by the best rank that either gives them.
    """

    query_id: str
    query: str
    difference: float
    doc_ids: tuple[str, ...]


def most_different(
    queries: Sequence[Query], baseline: Run, candidate: Run, *, doc_ids: Sequence[str], n: int
) -> tuple[UnjudgedQuery, ...]:
    """At most `n` queries whose rankings differ, the most different first; runs in their order."""
    before, after = baseline.rows[:, :_DEPTH], candidate.rows[:, :_DEPTH]
    differences = 1 - rbo(before, after)
    order = np.argsort(-differences, kind="stable")[:n]
    return tuple(
        UnjudgedQuery(
            queries[at].id,
            queries[at].text,
            round(float(differences[at]), 6),
            tuple(doc_ids[row] for row in _pooled(before[at].tolist(), after[at].tolist())),
        )
        for at in order.tolist()
        if set(before[at].tolist()) != set(after[at].tolist()) or differences[at] > 0
    )


def _pooled(before: Sequence[int], after: Sequence[int]) -> list[int]:
    ranked = dict.fromkeys(row for pair in zip(before, after, strict=True) for row in pair)
    return [row for row in ranked if row >= 0]
