"""What does a cross-encoder add to hybrid search, trained on the same judgments?

    python -m benchmarks.cross_encoding --data ../shared/data CORPUS...

`molt import` and `molt train --kind cross-encoder` as a user runs them, on the built-in
all-MiniLM-L6-v2, with one epoch and three negatives. Then hybrid search as it is by default, the
same as tuning fuses it, and re-ranked by the quantised graph with the weight that dev
chose: nDCG@10 of the queries of test against the whole corpus. What is recorded of a corpus stays
until it is measured again.
"""

import json
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.checkpoint import default_checkpoint, lend
from benchmarks.options import parser
from benchmarks.record import RESULTS, Table, Target, machine_facts, record
from benchmarks.training_quality import folder, molt
from molt.artifact import Home
from molt.encoder import CrossEncoder, Encoder, open_cross_encoder, open_encoder
from molt.encoder.vector_cache import quiet
from molt.index.catalog.judging.split_name import SplitName
from molt.index.lexical.lexical_index import index_in_memory
from molt.index.ranking.ranking import DEFAULT_RANKING, SearchRanking
from molt.index.ranking.reranking import CROSS_ENCODER_WEIGHT, Reranking, RerankKind
from molt.training.data.config import DataConfig
from molt.training.data.dataset import Split
from molt.training.evaluation.measurement import Trial
from molt.training.evaluation.measures import PRIMARY, measure_run
from molt.training.material import Prepared, prepare_collection
from molt.worker.tasks.runs import SearchMaker
from molt.worker.tasks.searching import spread, tune_search
from molt.worker.tasks.workspace import Workspace

SETTINGS = ("run.epochs=1", "cross_encoder.negatives=3", "run.max_length=192")
BOUND = 0.02
"""How much nDCG@10 a cross-encoder is to add to hybrid search."""
_SPLITS = (SplitName.DEV, SplitName.TEST)


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
        judging = Judging(prepared, opened, scorer, cache=workspace.home.cache)
        return row | judging.row(arguments.queries)


class Judging:
    """Hybrid searches over a corpus, judged by its queries."""

    def __init__(
        self, prepared: Prepared, encoder: Encoder, scorer: CrossEncoder, *, cache: Path
    ) -> None:
        self._prepared = prepared
        self._encoder = encoder
        self._scorer = scorer
        words = index_in_memory(prepared.dataset.corpus.documents)
        self._maker = SearchMaker(cache, words, {}, (scorer,))

    def row(self, most: int) -> dict[str, Any]:
        """The measures of at most so many queries of test."""
        tuned = self._tuned()
        test = _drawn(self._prepared.trial(SplitName.TEST), most)
        chosen = next(one for one in tuned.rerankers if one.wanted.kind is RerankKind.CROSS_ENCODER)
        weight = chosen.tuned.weight
        again = Reranking(RerankKind.CROSS_ENCODER, model=self._scorer.checkpoint.id)
        usual = replace(again, weight=CROSS_ENCODER_WEIGHT)
        fusion = tuned.ranking.fusion
        values = {
            "hybrid": self._values(test, DEFAULT_RANKING),
            "tuned": self._values(test, SearchRanking(fusion)),
            "half and half": self._values(test, SearchRanking(rerank=usual)),
        }
        values["re-ranked"] = values["tuned"]
        if weight is not None:
            ranking = SearchRanking(fusion, replace(again, weight=weight))
            values["re-ranked"] = self._values(test, ranking)
        gains = values["re-ranked"] - values["hybrid"]
        return {
            "queries": len(test.split.queries),
            **{name: float(each.mean()) for name, each in values.items()},
            "weight": "off" if weight is None else weight,
            "gain": float(gains.mean()),
            "standard error": float(gains.std(ddof=1) / np.sqrt(len(gains))),
        }

    def _tuned(self) -> Any:
        """What dev says of fusion and re-rankers."""
        dev = self._prepared.trial(SplitName.DEV)
        kept = spread(dev.split)
        places = {document.id: at for at, document in enumerate(dev.corpus.documents)}
        judged = [
            {places[one]: grade for one, grade in dev.split.qrels[each].items() if one in places}
            for each in kept
        ]
        queries = {each: dev.split.queries[each] for each in kept}
        trial = replace(dev, split=Split(queries, dev.split.qrels))
        search = self._maker.search(self._encoder, trial, quiet)
        return tune_search(search, judged, former=DEFAULT_RANKING)

    def _values(self, trial: Trial, ranking: SearchRanking) -> Any:
        """nDCG@10 of each query `(n,)`."""
        maker = replace(self._maker, rankings={self._encoder.checkpoint.id: ranking})
        run = maker(self._encoder, trial, quiet).judged
        doc_ids = [document.id for document in trial.corpus.documents]
        return measure_run(run, doc_ids=doc_ids, qrels=trial.split.qrels)[PRIMARY]


def _drawn(trial: Trial, most: int) -> Trial:
    """The trial of evenly spaced queries."""
    kept = spread(trial.split, most=most)
    queries = {each: trial.split.queries[each] for each in kept}
    return replace(trial, split=Split(queries, trial.split.qrels))


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
    options.add_argument("--queries", type=int, default=400, help="of test, at most, of each")
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
