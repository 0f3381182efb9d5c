"""What does late interaction add to what meaning finds, and to what meaning and words find?

    python -m benchmarks.reranking --data ../shared/data

nDCG@10 of the built-in encoder, of hybrid search as it is by default, and of either with its best
candidates re-ranked by MaxSim over the encoder's own token vectors, each query by a weight that
other queries of the same corpus have chosen. Where the gain could be chance, tuning leaves it off.
With `--learnt` also of the encoder in torch before and after it was fine-tuned on a corpus, in as
many steps on the same rows: by the vectors of whole texts alone, and with the late-interaction term
beside it. Of that corpus a part is drawn; its test queries took no part in the training.
What is recorded of a corpus stays until it is measured again.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import legs
from benchmarks.beir import Corpus
from benchmarks.checkpoint import default_checkpoint
from benchmarks.fusion import pairs
from benchmarks.learnt import STEPS, LearntEncoder, learnt_model
from benchmarks.options import parser
from benchmarks.passages import drawn
from benchmarks.record import RESULTS, Table, Target, machine_facts, record
from molt.encoder import read_checkpoint
from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.encoder.late_interaction.token_cache import TokenCache
from molt.index.lexical.lexical_index import index_in_memory
from molt.index.ranking.field_weights import NO_WEIGHTS
from molt.index.ranking.fusing import FusedHits, LegHits, fuse
from molt.index.ranking.fusion import DEFAULT_FUSION
from molt.index.ranking.rerank_tuning import JudgedHead, tune_reranker
from molt.index.ranking.reranking import DEFAULT_DEPTH

SEED = 0
LEARNT: dict[str, float | None] = {"built-in": None, "fine-tuned": 0.0, "with the term": 1.0}
LEARNT_DOCUMENTS = 1_200
_CACHE_BYTES = 6 * 2**30
_OVER = ("dense", "hybrid")
Values = npt.NDArray[np.float64]
Pairs = Sequence[tuple[LegHits, LegHits]]
Compare = Callable[[str, list[str]], Values]
"""How near texts are to a query by MaxSim."""


def comparing(opened: Callable[[], Any]) -> Compare:
    """Late interaction with an encoder, which is opened when it is first needed."""
    interaction = LateInteraction(TokenCache(_CACHE_BYTES))

    def near(query: str, texts: list[str]) -> Values:
        return interaction.compare(opened(), query, texts).nearness.maxsim.astype(np.float64)

    return near


def kept_scores(
    corpus: Corpus, both: Pairs, places: list[int], *, path: Path, near: Compare
) -> npt.NDArray[np.float64]:
    """Of some queries the best candidates of either ranking, `(n, 2, depth, 3)`, from `path`.

    Of each its row, the ranking's score and MaxSim; NaN where there are fewer.
    """
    if not path.exists():
        kept = np.full((len(places), len(_OVER), DEFAULT_DEPTH, 3), np.nan)
        for number, at in enumerate(places):
            dense, lexical = both[at]
            rankings: list[LegHits | FusedHits] = [dense, fuse(dense, lexical, DEFAULT_FUSION)]
            for over, hits in enumerate(rankings):
                rows = hits.ids[:DEFAULT_DEPTH]
                second = near(corpus.queries[at], [corpus.texts[row] for row in rows.tolist()])
                columns = (rows, hits.scores[:DEFAULT_DEPTH], second)
                kept[number, over, : len(rows)] = np.stack(columns, axis=1)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, kept)
    return np.asarray(np.load(path), np.float64)


def compare(
    corpus: Corpus, both: Pairs, places: list[int], *, path: Path, near: Compare
) -> list[dict[str, Any]]:
    """The rows of one corpus."""
    scores = kept_scores(corpus, both, places, path=path, near=near)
    rows = []
    for over, name in enumerate(_OVER):
        judged = [_head(corpus, at, scores[number, over]) for number, at in enumerate(places)]
        rows.append(_row(corpus.name, name, judged))
    print(*rows, sep="\n", flush=True)
    return rows


def compare_kept(name: str, arguments: Any, encoder: legs.LazyEncoder) -> list[dict[str, Any]]:
    """The rows of one corpus with the built-in encoder."""
    corpus = legs.corpus(name, data=arguments.data, scratch=arguments.scratch)
    found = legs.KeptLegs(corpus, scratch=arguments.scratch, encoder=encoder)
    both = pairs(found.dense, found.words())
    chosen = np.random.default_rng(SEED).permutation(len(corpus.queries))[: arguments.queries]
    path = arguments.scratch / "heads" / f"{name}-{len(chosen)}.npy"
    near = comparing(lambda: encoder.opened)
    return compare(corpus, both, chosen.tolist(), path=path, near=near)


def compare_learnt(name: str, arguments: Any) -> list[dict[str, Any]]:
    """The rows of a part of a corpus whose train split encoders learnt from."""
    if name in legs.JUDGED_ALTOGETHER:
        raise SystemExit(f"{name} is judged by queries that training sees; choose another corpus")
    corpus = part(
        legs.corpus(name, data=arguments.data, scratch=arguments.scratch), arguments.queries
    )
    base = read_checkpoint(default_checkpoint(arguments.scratch / "default"))
    words = legs.word_legs(index_in_memory(legs.documents(corpus)), corpus.queries, NO_WEIGHTS)
    rows = []
    for label, weight in LEARNT.items():
        model = base.path
        if weight is not None:
            folder, scratch = arguments.data / name, arguments.scratch / "learnt"
            model = learnt_model(base, folder=folder, scratch=scratch, late_interaction=weight)
        encoder = LearntEncoder(model, base, name=label)
        path = arguments.scratch / "heads" / f"{name}-{len(corpus.queries)}-{weight}.npy"
        dense = legs.dense_leg(encoder.vectors(corpus.queries), encoder.vectors(corpus.texts))
        near = comparing(lambda encoder=encoder: encoder)
        places = [*range(len(corpus.queries))]
        made = compare(corpus, pairs(dense, words), places, path=path, near=near)
        rows += [{"encoder": label, **row} for row in made]
    return rows


def part(whole: Corpus, queries: int) -> Corpus:
    """Some queries of a corpus, with the documents that they are judged by and others."""
    places, ids = drawn(whole, queries=queries, documents=LEARNT_DOCUMENTS)
    place = {one: at for at, one in enumerate(whole.doc_ids)}
    return Corpus(
        whole.name,
        ids,
        [whole.rows[place[one]] for one in ids],
        [whole.texts[place[one]] for one in ids],
        [whole.query_ids[at] for at in places],
        [whole.queries[at] for at in places],
        whole.qrels,
    )


def _head(corpus: Corpus, at: int, scores: Values) -> JudgedHead:
    """The best candidates of a query with both scores and their grades."""
    judged = corpus.qrels[corpus.query_ids[at]]
    rows, first, second = scores[~np.isnan(scores[:, 0])].T
    grades = [judged.get(corpus.doc_ids[int(row)], 0) for row in rows]
    return JudgedHead(
        first, second, np.array(grades, np.float64), np.array([*judged.values()], np.float64)
    )


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
    options.add_argument("--corpora", nargs="*", default=list(legs.CORPORA))
    options.add_argument("--queries", type=int, default=400, help="at most, of each corpus")
    options.add_argument("--learnt", metavar="CORPUS", help="fine-tune on this one")
    arguments = options.parse_args()
    machine = machine_facts()
    encoder = legs.LazyEncoder(Path(arguments.scratch))
    served, learnt = recorded()
    for name in arguments.corpora:
        served = [row for row in served if row["corpus"] != name]
        served += compare_kept(name, arguments, encoder)
    if arguments.learnt:
        learnt = compare_learnt(arguments.learnt, arguments)
    record(
        "reranking",
        machine=machine,
        targets=[
            _target(served, "dense", 0.03),
            _target(served, "hybrid", 0.005),
            *(_learnt_target(learnt, over) for over in _OVER if learnt),
        ],
        tables=[
            Table("nDCG@10 before and after; `weight` is tuned on all queries", served),
            Table(f"In torch, before and after {STEPS} steps on the train split", learnt),
        ],
        details={},
    )


def recorded() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows that were measured before: of encoders that serve, and of those that learnt."""
    path = RESULTS / "reranking.json"
    if not path.exists():
        return [], []
    served, learnt = json.loads(path.read_text(encoding="utf-8"))["tables"]
    return served["rows"], learnt["rows"]


def _target(rows: list[dict[str, Any]], over: str, least: float) -> Target:
    gains = [row["gain"] for row in rows if row["over"] == over and row["weight"] != "off"]
    claim = f"added to {over}, mean of the {len(gains)} corpora where tuning switches it on"
    return Target(claim, float(np.mean(gains)) if gains else 0.0, ">=", least)


def _learnt_target(rows: list[dict[str, Any]], over: str) -> Target:
    """How much more tokens add after training with the term than after training without it."""
    _, without, with_it = (row["gain"] for row in rows if row["over"] == over)
    claim = f"added to {over} after training with the term, beyond what is without it"
    return Target(claim, with_it - without, ">=", 0.0)


if __name__ == "__main__":
    main()
