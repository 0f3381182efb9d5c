"""Does it matter that a fused page takes a leg's bound for a score which that leg did not find?

    python -m benchmarks.bounds --data ../shared/data cranfield scitldr wikiqa devops_se

nDCG@10 of meaning and words fused by the weight that few words have by default: as they are, with
the true cosine of what words alone found, and with the true BM25 score of what meaning alone found,
too; and how many of the first ten hits are the same. Of each corpus at most 150 queries.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import legs
from benchmarks.beir import Corpus
from benchmarks.fusion import measured
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, record
from molt.encoder.vector_cache import encode_documents, encode_queries
from molt.index.lexical.lexical_index import index_in_memory
from molt.index.ranking.fusing import WORDS_POWER
from molt.index.ranking.fusion import UNTUNED_WEIGHT

MOST_QUERIES = 150
SEED = 20_261
Numbers = npt.NDArray[np.float64]
Ranking = npt.NDArray[np.int64]


def drawn(whole: Corpus) -> Corpus:
    """The corpus with at most `MOST_QUERIES` queries."""
    order = np.random.default_rng(SEED).permutation(len(whole.queries))[:MOST_QUERIES]
    kept = np.sort(order).tolist()
    return replace(
        whole,
        query_ids=[whole.query_ids[at] for at in kept],
        queries=[whole.queries[at] for at in kept],
    )


def word_shares(corpus: Corpus) -> Numbers:
    """What words say of every document for each query, `(queries, documents)`, in [0, 1]."""
    index = index_in_memory(legs.documents(corpus))
    found = np.zeros((len(corpus.queries), len(corpus.texts)))
    for at, text in enumerate(corpus.queries):
        asked = index.plan(text)
        hits = index.search(asked, k=len(corpus.texts))
        if len(hits):
            shares = hits.scores.astype(np.float64) / asked.ceiling
            found[at, hits.ordinals] = np.clip(shares, 0, 1) ** WORDS_POWER
    return found


def bounded(true: Numbers, *, whole: bool) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """What a leg says where it knows its best alone, and which those are; `(documents,)` each."""
    order = np.lexsort((np.arange(len(true)), -true))[: legs.DEPTH]
    best = order[true[order] > 0] if whole else order
    known = np.zeros(len(true), bool)
    known[best] = True
    complete = len(true) <= legs.DEPTH or (whole and len(best) < legs.DEPTH)
    rest = 0.0 if complete or not len(best) else float(true[best[-1]])
    return np.where(known, true, rest), known


def rankings(dense: Numbers, lexical: Numbers) -> dict[str, Ranking]:
    """The candidates of one query, best first, by what is known of those that one leg missed."""
    meant, near = bounded(dense, whole=False)
    said, worded = bounded(lexical, whole=True)
    union = np.flatnonzero(near | worded)
    legs_of = {"bounds": (meant, said), "true cosines": (dense, said), "both": (dense, lexical)}
    found = {}
    for name, (one, other) in legs_of.items():
        fused = UNTUNED_WEIGHT * one[union] + (1 - UNTUNED_WEIGHT) * other[union]
        found[name] = union[np.lexsort((union, -fused))]
    return found


def compared(name: str, arguments: Any, encoder: legs.LazyEncoder) -> dict[str, Any]:
    """One corpus' row."""
    corpus = drawn(legs.corpus(name, data=arguments.data, scratch=arguments.scratch))
    documents = encode_documents(encoder.opened, corpus.texts, cache=arguments.scratch / "cache")
    dense = np.clip(encode_queries(encoder.opened, corpus.queries) @ documents.T, 0, 1)
    pairs = zip(dense.astype(np.float64), word_shares(corpus), strict=True)
    every = [rankings(*pair) for pair in pairs]
    values = {kind: measured(corpus, lambda at, kind=kind: every[at][kind]) for kind in every[0]}
    same = [len({*one["bounds"][:10]} & {*one["both"][:10]}) for one in every]
    row = {"corpus": name, "queries": len(every)} | {
        kind: round(value, 4) for kind, value in values.items()
    }
    return row | {"of ten the same": round(float(np.mean(same)), 2)}


def main() -> None:
    """Measure, and record."""
    made = parser(__doc__)
    made.add_argument("corpora", nargs="+", choices=legs.CORPORA)
    arguments, machine = made.parse_args(), machine_facts()
    encoder, rows = legs.LazyEncoder(arguments.scratch), []
    for name in arguments.corpora:
        rows.append(compared(name, arguments, encoder))
        print(rows[-1], flush=True)
    worst = max(row["both"] - row["bounds"] for row in rows)
    target = Target("nDCG@10 that true scores would add, at most", worst, "<=", 0.002)
    record("bounds", machine=machine, targets=[target], tables=[Table("Each", rows)], details={})


if __name__ == "__main__":
    main()
