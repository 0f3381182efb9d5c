"""What does late interaction add to what meaning finds, and to what meaning and words find?

    python -m benchmarks.reranking --data ../shared/data

nDCG@10 of the built-in encoder, of hybrid search as it is by default, and of either with its best
candidates re-ranked by MaxSim over the encoder's own token vectors, each query by a weight that
other queries of the same corpus have chosen. Where the gain could be chance, tuning leaves it off.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import legs
from benchmarks.beir import Corpus
from benchmarks.fusion import pairs
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, record
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.encoder.late_interaction.token_cache import TokenCache
from molt.index.ranking.fusing import fuse
from molt.index.ranking.fusion import DEFAULT_FUSION
from molt.index.ranking.rerank_tuning import JudgedHead, tune_reranker
from molt.index.ranking.reranking import DEFAULT_DEPTH

SEED = 0
_CACHE_BYTES = 6 * 2**30
Values = npt.NDArray[np.float64]


class TokenJudge:
    """How near documents of a corpus are to its queries by MaxSim."""

    def __init__(self, corpus: Corpus, encoder: legs.LazyEncoder) -> None:
        self._corpus = corpus
        self._encoder = encoder
        self._interaction = LateInteraction(TokenCache(_CACHE_BYTES))

    def head(self, at: int, rows: npt.NDArray[np.int64], scores: Values) -> JudgedHead:
        """The best candidates of a query, with both scores and their grades."""
        corpus = self._corpus
        texts = [corpus.texts[row] for row in rows.tolist()]
        compared = self._interaction.compare(self._encoder.opened, corpus.queries[at], texts)
        judged = corpus.qrels[corpus.query_ids[at]]
        return JudgedHead(
            scores.astype(np.float64),
            compared.nearness.maxsim.astype(np.float64),
            np.array([judged.get(corpus.doc_ids[row], 0) for row in rows.tolist()], np.float64),
            np.array([*judged.values()], np.float64),
        )


def compare(name: str, arguments: Any, encoder: legs.LazyEncoder) -> list[dict[str, Any]]:
    """The rows of one corpus."""
    corpus = legs.corpus(name, data=arguments.data, scratch=arguments.scratch)
    found = legs.KeptLegs(corpus, scratch=arguments.scratch, encoder=encoder)
    drawn = np.random.default_rng(SEED).permutation(len(corpus.queries))[: arguments.queries]
    judge, both = TokenJudge(corpus, encoder), pairs(found.dense, found.words())
    heads: dict[str, list[JudgedHead]] = {"dense": [], "hybrid": []}
    for at in drawn.tolist():
        dense, lexical = both[at]
        fused = fuse(dense, lexical, DEFAULT_FUSION)
        for over, ids, scores in (
            ("dense", dense.ids, dense.scores),
            ("hybrid", fused.ids, fused.scores),
        ):
            heads[over].append(judge.head(at, ids[:DEFAULT_DEPTH], scores[:DEFAULT_DEPTH]))
    rows = [_row(name, over, judged) for over, judged in heads.items()]
    print(*rows, sep="\n", flush=True)
    return rows


def _row(name: str, over: str, judged: list[JudgedHead]) -> dict[str, Any]:
    tuned = tune_reranker(judged)
    return {
        "corpus": name,
        "queries": tuned.queries,
        "over": over,
        "before": tuned.without,
        "tokens": tuned.reranked,
        "gain": tuned.reranked - tuned.without,
        "weight": "off" if tuned.weight is None else tuned.weight,
    }


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
    gains = [row["gain"] for row in rows if row["over"] == over and row["weight"] != "off"]
    claim = f"added to {over}, mean of the {len(gains)} corpora where tuning switches it on"
    return Target(claim, float(np.mean(gains)) if gains else 0.0, ">=", least)


if __name__ == "__main__":
    main()
