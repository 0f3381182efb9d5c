"""Candidates: what the collection's encoder finds for the queries of a split, ranked again.

As a search does it: the best `depth` are scored once more, both scores are mixed, and the rest of
the ranking stays.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from molt.index.ranking.mixing import mixed_scores
from molt.index.ranking.reranking import CROSS_ENCODER_WEIGHT
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.measures import PRIMARY, measure_run
from molt.training.evaluation.runs import Run

ScoreTexts = Callable[[str, Sequence[str]], NDArray[np.float32]]
"""Scores `(n,) float32` of texts with a query."""


@dataclass(frozen=True)
class RankedTrial:
    """The queries of a trial and what was found for each, of which `depth` are ranked again."""

    trial: Trial
    run: Run
    depth: int

    def sampled(self, *, pairs: int) -> "RankedTrial":
        """With evenly spaced queries, so that at most so many `pairs` are scored."""
        wanted = max(1, pairs // self.depth)
        every = range(0, len(self.run.query_ids), -(-len(self.run.query_ids) // wanted))
        kept = list(every)
        run = Run(
            tuple(self.run.query_ids[at] for at in kept), self.run.rows[kept], self.run.scores[kept]
        )
        return replace(self, run=run)

    def reranked(self, score: ScoreTexts, *, weight: float = CROSS_ENCODER_WEIGHT) -> Run:
        """The run in the order of both scores."""
        rows, scores = self.run.rows.copy(), self.run.scores.copy()
        texts, queries = self.trial.corpus.texts, self.trial.split.queries
        for at, query_id in enumerate(self.run.query_ids):
            head = rows[at, : self.depth]
            second = score(queries[query_id].text, [texts[row] for row in head])
            both = mixed_scores(
                scores[at, : self.depth].astype(np.float64),
                second.astype(np.float64),
                weight=weight,
            )
            rows[at, : self.depth] = head[np.argsort(-both, kind="stable")]
        return Run(self.run.query_ids, rows, scores)

    def ndcg10(self, run: Run) -> float:
        """Mean nDCG@10 of a run of these queries."""
        doc_ids = [document.id for document in self.trial.corpus.documents]
        values = measure_run(run, doc_ids=doc_ids, qrels=self.trial.split.qrels)
        return float(values[PRIMARY].mean())
