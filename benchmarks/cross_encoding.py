"""What does a cross-encoder add to hybrid search, trained on the same judgments?

    python -m benchmarks.cross_encoding --data ../shared/data CORPUS...

`molt import` and `molt train --kind cross-encoder` as a user runs them, on the built-in
all-MiniLM-L6-v2, with one epoch and two negatives. Then hybrid search as it is by default, the
same as tuning fuses it, and re-ranked by the quantised graph with the weight that dev
chose: nDCG@10 of the queries of test against the whole corpus. What is recorded of a corpus stays
until it is measured again.
"""

import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.checkpoint import default_checkpoint, lend
from benchmarks.options import parser
from benchmarks.record import RESULTS, Table, Target, machine_facts, record
from benchmarks.training_quality import folder, molt
from molt.artifact import Home
from molt.encoder import CrossEncoder, Encoder, open_cross_encoder, open_encoder
from molt.engine.runs import whole_texts
from molt.engine.search.offline import CorpusSearch
from molt.index.catalog.judging.split_name import SplitName
from molt.index.lexical.lexical_index import index_in_memory
from molt.index.ranking.field_weights import NO_WEIGHTS
from molt.index.ranking.fusing import fused_scores, unite
from molt.index.ranking.fusion import UNTUNED_WEIGHT, adapted
from molt.index.ranking.mixing import mixed_scores
from molt.index.ranking.rerank_tuning import JudgedHead, tune_reranker
from molt.index.ranking.reranking import CROSS_ENCODER_WEIGHT, Reranking, RerankKind
from molt.index.ranking.tuning import JudgedQueries, graded_ndcg10, judged_union, ndcg10
from molt.training.data.config import DataConfig
from molt.training.evaluation.measurement import Trial
from molt.training.material import prepare_collection
from molt.worker.tasks.searching import MOST_RERANKED, spread
from molt.worker.tasks.workspace import Workspace

SETTINGS = (
    *("run.epochs=1", "run.max_length=128"),
    *("cross_encoder.negatives=2", "cross_encoder.depth=20", "cross_encoder.dev_pairs=1000"),
)
BOUND = 0.02
"""How much nDCG@10 a cross-encoder is to add to hybrid search."""
_SPLITS = (SplitName.DEV, SplitName.TEST)
Values = npt.NDArray[np.float64]


def compare(corpus: str, arguments: Any) -> dict[str, Any]:
    """One corpus' row."""
    home = Path(arguments.scratch / f"cross-{corpus}")
    if not (home / "catalog.sqlite3").exists():
        lend(home, default_checkpoint(arguments.scratch / "default"))
        molt(home, "import", corpus, str(folder(corpus, arguments)))
    given = [part for one in SETTINGS for part in ("--set", one)]
    began = time.monotonic()
    trained = molt(home, "train", corpus, "--kind", "cross-encoder", *given)
    row = {"corpus": corpus, "minutes": (time.monotonic() - began) / 60}
    workspace = Workspace(Home(home))
    made = workspace.checkpoints.open(trained["checkpoint"])
    if not trained["improved"]:
        return row | {"gain": 0.0, "reason": trained["reason"]}
    with workspace.catalog() as catalog:
        data = DataConfig.model_validate(made.training["data"])
        prepared = prepare_collection(catalog, corpus, config=data, wanted=_SPLITS)
    encoder = workspace.checkpoints.open(str(made.parent))
    with (
        closing(open_encoder(encoder, cache=workspace.home.cache)) as opened,
        closing(open_cross_encoder(made, cache=workspace.home.cache)) as scorer,
    ):
        dev, test = (
            Judged(prepared.trial(split), opened, scorer, most=most, cache=workspace.home.cache)
            for split, most in ((SplitName.DEV, MOST_RERANKED), (SplitName.TEST, arguments.queries))
        )
        return row | _judged(dev, test)


class Judged:
    """Evenly spaced queries of a split, at most so many, and what hybrid search finds for them."""

    def __init__(
        self, trial: Trial, encoder: Encoder, scorer: CrossEncoder, *, most: int, cache: Path
    ) -> None:
        kept = spread(trial.split, most=most)
        corpus = trial.corpus
        self._search = CorpusSearch(
            encoder,
            passages=whole_texts(corpus.texts),
            words=index_in_memory(corpus.documents),
            queries=[trial.split.queries[one].text for one in kept],
            cache=cache,
            cross_encoders=(scorer,),
        )
        self._again = Reranking(RerankKind.CROSS_ENCODER, model=scorer.checkpoint.id)
        places = {document.id: at for at, document in enumerate(corpus.documents)}
        qrels = (trial.split.qrels[one] for one in kept)
        self.unions = [
            judged_union(
                unite(*self._search.legs(at, fields=NO_WEIGHTS)),
                {places[one]: grade for one, grade in judged.items() if one in places},
            )
            for at, judged in enumerate(qrels)
        ]

    def fused(self, weight: float) -> Values:
        """nDCG@10 of each query `(n,)`, the dense leg having `weight` where words are few."""
        return np.concatenate(
            [ndcg10(one, [adapted(weight, one.union.n_words)]) for one in self.unions]
        )

    def heads(self, weight: float) -> list[JudgedHead]:
        """The best candidates of each query as `weight` fuses them, with both scores."""
        return [self._head(at, weight) for at in range(len(self.unions))]

    def _head(self, at: int, weight: float) -> JudgedHead:
        judged = self.unions[at]
        scores = fused_scores(judged.union, adapted(weight, judged.union.n_words))
        head = np.lexsort((judged.union.ids, -scores))[: self._again.depth]
        second = self._search.second_scores(
            at, judged.union.ids[head], self._again, fields=NO_WEIGHTS
        )
        return JudgedHead(scores[head], second, judged.grades[head], judged.every_grade)


def _judged(dev: Judged, test: Judged) -> dict[str, Any]:
    """The measures of the queries of test, by weights that dev has chosen."""
    fusion = JudgedQueries(lambda _: dev.unions, NO_WEIGHTS).tune().dense
    tuned = tune_reranker(dev.heads(fusion), usual=CROSS_ENCODER_WEIGHT)
    hybrid, heads = test.fused(UNTUNED_WEIGHT), test.heads(fusion)
    reranked = test.fused(fusion) if tuned.weight is None else _reranked(heads, tuned.weight)
    gains = reranked - hybrid
    return {
        "queries": len(hybrid),
        "hybrid": float(hybrid.mean()),
        "tuned": float(test.fused(fusion).mean()),
        "half and half": float(_reranked(heads, CROSS_ENCODER_WEIGHT).mean()),
        "re-ranked": float(reranked.mean()),
        "weight": "off" if tuned.weight is None else tuned.weight,
        "gain": float(gains.mean()),
        "standard error": float(gains.std(ddof=1) / np.sqrt(len(gains))),
    }


def _reranked(heads: list[JudgedHead], weight: float) -> Values:
    """nDCG@10 of each query `(n,)` in the order of both scores."""
    return np.array([_ndcg10(one, weight) for one in heads])


def _ndcg10(head: JudgedHead, weight: float) -> float:
    mixed = mixed_scores(head.first, head.second, weight=weight)
    order = np.argsort(-mixed, kind="stable")
    return graded_ndcg10(head.grades[order], every_grade=head.every_grade)


def recorded() -> dict[str, dict[str, Any]]:
    """What was measured before, by corpus."""
    path = RESULTS / "cross_encoding.json"
    if not path.exists():
        return {}
    tables = json.loads(path.read_text(encoding="utf-8"))["tables"]
    return {row["corpus"]: row for table in tables for row in table["rows"]}


def main() -> None:
    """Train on each corpus, and record after each."""
    options = parser(__doc__)
    options.add_argument("names", nargs="+", metavar="CORPUS")
    options.add_argument("--queries", type=int, default=200, help="of test, at most, of each")
    arguments = options.parse_args()
    rows = recorded()
    for corpus in arguments.names:
        machine = machine_facts()
        rows[corpus] = compare(corpus, arguments)
        print(rows[corpus], flush=True)
        record(
            "cross_encoding",
            machine=machine,
            targets=[
                Target(f"{name}: added to hybrid search", row["gain"], ">=", BOUND)
                for name, row in rows.items()
            ],
            tables=[Table("nDCG@10 on test; weights are tuned on dev", list(rows.values()))],
            details={"training": list(SETTINGS)},
        )


if __name__ == "__main__":
    main()
