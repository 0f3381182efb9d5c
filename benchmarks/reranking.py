"""What does late interaction add to what meaning finds, and to what meaning and words find?

    python -m benchmarks.reranking --data ../shared/data

nDCG@10 of the built-in encoder, of hybrid search as it is by default, and of either with its best
candidates re-ranked by MaxSim over the encoder's own token vectors. The weight of that is tuned on
other queries of the same corpus (five folds), 0 among those that are tried: where the others do not
show that it helps, it stays off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import legs
from benchmarks.beir import Corpus
from benchmarks.fusion import FOLDS, SEED, pairs
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, record
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.encoder.late_interaction.token_cache import TokenCache
from molt.engine.search.candidates import Candidate, Passage
from molt.engine.search.reranking import DEFAULT_DEPTH, reranked
from molt.index.ranking.fusing import fuse
from molt.index.ranking.fusion import DEFAULT_FUSION

WEIGHTS = tuple(step / 20 for step in range(21))
_CACHE_BYTES = 6 * 2**30
_CUTOFF = 10
_DOUBT = 0.5
"""A weight counts as no better than a smaller one by less than so many standard errors."""
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """The best documents of a query by their rows, and what each scored."""

    rows: npt.NDArray[np.int64]
    scores: Values


class TokenJudge:
    """How near documents of a corpus are to its queries by MaxSim."""

    def __init__(self, corpus: Corpus, encoder: legs.LazyEncoder) -> None:
        self._corpus = corpus
        self._encoder = encoder
        self._interaction = LateInteraction(TokenCache(_CACHE_BYTES))

    def curve(self, at: int, ranking: Ranking) -> Values:
        """nDCG@10 of a query's ranking re-ranked by each of `WEIGHTS`."""
        texts = [self._corpus.texts[row] for row in ranking.rows.tolist()]
        compared = self._interaction.compare(
            self._encoder.opened, self._corpus.queries[at], texts
        ).nearness.maxsim
        candidates = [
            Candidate(row, score, Passage(0, 0), {})
            for row, score in zip(ranking.rows.tolist(), ranking.scores.tolist(), strict=True)
        ]
        orders = [reranked(candidates, compared, weight=weight) for weight in WEIGHTS]
        return np.array([self._ndcg(at, [one.ordinal for one in order]) for order in orders])

    def _ndcg(self, at: int, rows: Sequence[int]) -> float:
        judged = self._corpus.qrels[self._corpus.query_ids[at]]
        gains = [max(judged.get(self._corpus.doc_ids[row], 0), 0) for row in rows[:_CUTOFF]]
        return _discounted(gains) / _discounted(sorted(judged.values(), reverse=True)[:_CUTOFF])


def _discounted(gains: Sequence[float]) -> float:
    return float((np.array(gains) / np.log2(np.arange(len(gains)) + 2)).sum())


def chosen(curves: Values) -> int:
    """What these queries `(n, weights)` speak for: the least weight that is as good as the best."""
    means = curves.mean(axis=0)
    best = int(means.argmax())
    behind = curves[:, [best]] - curves
    doubt = _DOUBT * behind.std(axis=0) / np.sqrt(len(curves))
    return int(np.flatnonzero(means[best] - means <= doubt)[0])


def cross_validated(curves: Values) -> float:
    """The mean nDCG@10 where each fifth of the queries has the weight that the others chose."""
    folds = np.random.default_rng(SEED).permutation(len(curves)) % FOLDS
    values = [curves[folds == fold][:, chosen(curves[folds != fold])] for fold in range(FOLDS)]
    return float(np.concatenate(values).mean())


def compare(name: str, arguments: Any, encoder: legs.LazyEncoder) -> list[dict[str, Any]]:
    """The rows of one corpus."""
    corpus = legs.corpus(name, data=arguments.data, scratch=arguments.scratch)
    found = legs.kept_legs(corpus, scratch=arguments.scratch, encoder=encoder)
    drawn = np.random.default_rng(SEED).permutation(len(corpus.queries))[: arguments.queries]
    judge, both = TokenJudge(corpus, encoder), pairs(found)
    rankings: dict[str, list[Ranking]] = {"dense": [], "hybrid": []}
    for at in drawn.tolist():
        dense, lexical = both[at]
        fused = fuse(dense, lexical, DEFAULT_FUSION)
        for kind, ids, scores in (
            ("dense", dense.ids, dense.scores),
            ("hybrid", fused.ids, fused.scores),
        ):
            rankings[kind].append(Ranking(ids[:DEFAULT_DEPTH], scores[:DEFAULT_DEPTH]))
    rows = []
    for kind, ranked in rankings.items():
        made = [judge.curve(at, one) for at, one in zip(drawn.tolist(), ranked, strict=True)]
        curves = np.array(made)
        rows.append(
            {
                "corpus": name,
                "queries": len(curves),
                "over": kind,
                "before": float(curves[:, 0].mean()),
                "tokens": cross_validated(curves),
                "weight": WEIGHTS[chosen(curves)],
                "MaxSim alone": float(curves[:, -1].mean()),
            }
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Compare every corpus and record the result."""
    options = parser(__doc__)
    options.add_argument("--corpora", nargs="+", default=list(legs.CORPORA))
    options.add_argument("--queries", type=int, default=400, help="at most, of each corpus")
    arguments = options.parse_args()
    machine = machine_facts()
    encoder = legs.LazyEncoder(Path(arguments.scratch))
    rows = [row for name in arguments.corpora for row in compare(name, arguments, encoder)]
    record(
        "reranking",
        machine=machine,
        targets=[_target(rows, "dense", 0.03), _target(rows, "hybrid", 0.005)],
        tables=[Table("nDCG@10 before and after; `weight` is tuned on all queries", rows)],
        details={},
    )


def _target(rows: list[dict[str, Any]], over: str, least: float) -> Target:
    gains = [row["tokens"] - row["before"] for row in rows if row["over"] == over and row["weight"]]
    claim = f"added to {over}, mean of the {len(gains)} corpora where it is switched on"
    return Target(claim, float(np.mean(gains)) if gains else 0.0, ">=", least)


if __name__ == "__main__":
    main()
