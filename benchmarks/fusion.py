"""What is gained by fusing meaning and words, next to either of them alone?

    python -m benchmarks.fusion --data ../shared/data

nDCG@10 of the built-in encoder, of BM25, and of both fused: by reciprocal ranks, by default, and by
weights that are tuned on other queries of the same corpus (five folds, so that none tunes for
itself): that of meaning, and that of words in the title. The default's two constants are also
chosen on the other corpora alone, to see that they were not made for the one they are judged by.
Where bm25s is
installed, it is measured beside tantivy.
"""

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import legs
from benchmarks.beir import Corpus
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, record
from molt.index.lexical.analysis import TITLE
from molt.index.ranking.fusing import LegHits, fuse, unite
from molt.index.ranking.fusion import RECIPROCAL_RANKS, UNTUNED_WEIGHT, adapted
from molt.index.ranking.tuning import (
    WEIGHTS,
    JudgedQueries,
    JudgedUnion,
    judged_union,
    ndcg10,
)

MOST_LOST = 0.005
FEWS = (2, 3, 4, 6)
Values = npt.NDArray[np.float64]


def judged(corpus: Corpus, both: list[tuple[LegHits, LegHits]]) -> list[JudgedUnion]:
    """What both legs say of each query's candidates, with their grades."""
    place = {doc_id: at for at, doc_id in enumerate(corpus.doc_ids)}
    return [
        judged_union(
            unite(*pair), {place[doc]: grade for doc, grade in corpus.qrels[query_id].items()}
        )
        for pair, query_id in zip(both, corpus.query_ids, strict=True)
    ]


def pairs(dense: legs.Leg, words: legs.WordLegs) -> list[tuple[LegHits, LegHits]]:
    """Both legs of each query."""
    asked = zip(words.ceilings.tolist(), words.n_words.tolist(), strict=True)
    return [
        (hits(dense, at), replace(hits(words.leg, at), ceiling=ceiling or 1.0, n_words=n_words))
        for at, (ceiling, n_words) in enumerate(asked)
    ]


def hits(leg: legs.Leg, at: int) -> LegHits:
    """One query of a leg."""
    kept = leg.rows[at] >= 0
    rows, scores = leg.rows[at][kept].astype(np.int64), leg.scores[at][kept].astype(np.float64)
    return LegHits(rows, scores, whole=not kept.all())


def measured(corpus: Corpus, rank: Callable[[int], npt.NDArray[np.int64]]) -> float:
    """The mean nDCG@10 of rankings by a query's place."""
    place = {doc_id: at for at, doc_id in enumerate(corpus.doc_ids)}
    values = []
    for at, query_id in enumerate(corpus.query_ids):
        grades = {place[doc]: grade for doc, grade in corpus.qrels[query_id].items()}
        gains = np.array([grades.get(row, 0) for row in rank(at)[:10].tolist()], np.float64)
        best = np.sort(np.array([*grades.values()], np.float64))[::-1][:10]
        values.append(_discounted(gains) / _discounted(best))
    return float(np.mean(values))


def _discounted(gains: Values) -> float:
    return float((gains / np.log2(np.arange(len(gains)) + 2)).sum())


def bm25s(corpus: Corpus) -> float | None:
    """nDCG@10 of bm25s as it is recommended: its English stop words, Snowball stems."""
    if find_spec("bm25s") is None or find_spec("Stemmer") is None:
        return None
    import bm25s as peer  # noqa: PLC0415
    import Stemmer  # noqa: PLC0415

    stemmer = Stemmer.Stemmer("english")
    options: dict[str, Any] = {"stopwords": "en", "stemmer": stemmer, "show_progress": False}
    index = peer.BM25()
    index.index(peer.tokenize(corpus.texts, **options), show_progress=False)
    asked = peer.tokenize(corpus.queries, **options)
    rows, _ = index.retrieve(asked, k=10, show_progress=False)
    return measured(corpus, lambda at: np.asarray(rows[at], np.int64))


def compare(name: str, arguments: Any, encoder: legs.LazyEncoder) -> dict[str, Any]:
    """One corpus' row, and the curve of its weights."""
    corpus = legs.corpus(
        name, data=arguments.data, scratch=arguments.scratch, most=arguments.documents
    )
    found = legs.KeptLegs(corpus, scratch=arguments.scratch, encoder=encoder)
    both = pairs(found.dense, found.words())
    queries = JudgedQueries(
        lambda fields: judged(corpus, pairs(found.dense, found.words(fields))), {TITLE: 0.0}
    )
    tuned = queries.tune()
    row = {
        "corpus": name,
        "documents": len(corpus.doc_ids),
        "queries": len(corpus.query_ids),
        "dense": measured(corpus, lambda at: both[at][0].ids),
        "lexical": measured(corpus, lambda at: both[at][1].ids),
        "bm25s": bm25s(corpus),
        "RRF": measured(corpus, lambda at: fuse(*both[at], RECIPROCAL_RANKS).ids),
        "default": queries.mean(UNTUNED_WEIGHT),
        "tuned": queries.cross_validated(),
        "weight": tuned.dense,
        "title": tuned.fields.get(TITLE, 0.0),
        "curve": curve(judged(corpus, both)),
    }
    print(row, flush=True)
    return row


def curve(unions: list[JudgedUnion]) -> Values:
    """The mean nDCG@10 by each of `FEWS` and, one after the other, of `WEIGHTS`."""
    values = [
        ndcg10(
            one,
            [adapted(weight, one.union.n_words, few=few) for few in FEWS for weight in WEIGHTS],
        )
        for one in unions
    ]
    return np.stack(values).mean(axis=0)


def others_choice(rows: list[dict[str, Any]], own: int) -> float:
    """What a corpus has by the two constants that the others choose.

    Of those by which none of them loses more than `MOST_LOST` to its better leg, or loses least,
    the ones that rank them best on their mean.
    """
    others = [row for at, row in enumerate(rows) if at != own]
    gains = np.array([row["curve"] - max(row["dense"], row["lexical"]) for row in others])
    worst = gains.min(axis=0)
    able = worst >= min(-MOST_LOST, float(worst.max()))
    return float(rows[own]["curve"][int(np.where(able, gains.mean(axis=0), -np.inf).argmax())])


def main() -> None:
    """Compare every corpus and record the result."""
    options = parser(__doc__)
    options.add_argument("--corpora", nargs="+", default=list(legs.CORPORA))
    options.add_argument(
        "--documents", type=int, help="draw so many of medquad and arxiv, which take long to encode"
    )
    arguments = options.parse_args()
    machine = machine_facts()
    encoder = legs.LazyEncoder(Path(arguments.scratch))
    rows = [compare(name, arguments, encoder) for name in arguments.corpora]
    for at, row in enumerate(rows):
        row["default by others"] = others_choice(rows, at)
    settings = [f"{weight:g} up to {few} words" for few in FEWS for weight in WEIGHTS]
    curves = {row["corpus"]: dict(zip(settings, row.pop("curve"), strict=True)) for row in rows}
    record(
        "fusion",
        machine=machine,
        targets=_targets(rows),
        tables=[
            Table("nDCG@10; `weight` of the dense leg and `title` as tuned on all queries", rows)
        ],
        details={"curves": curves},
    )


def _targets(rows: list[dict[str, Any]]) -> list[Target]:
    better = np.array([max(row["dense"], row["lexical"]) for row in rows])
    made = []
    bounds = (
        ("tuned", 0.025, -0.003),
        ("default", 0.02, -0.01),
        ("default by others", 0.02, -0.01),
    )
    for key, mean, least in bounds:
        gains = np.array([row[key] for row in rows]) - better
        worst = rows[int(gains.argmin())]["corpus"]
        made += [
            Target(f"{key} above the better leg, mean", float(gains.mean()), ">=", mean),
            Target(f"{key} above the better leg, least ({worst})", float(gains.min()), ">=", least),
        ]
    made += [
        Target(f"lexical above bm25s: {row['corpus']}", row["lexical"] - row["bm25s"], ">=", -0.005)
        for row in rows
        if row["bm25s"] is not None
    ]
    return made


if __name__ == "__main__":
    main()
