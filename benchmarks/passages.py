"""Are documents ranked better by their passages, or by one vector of their beginning?

    python -m benchmarks.passages --data ../shared/data

nDCG@10 of the built-in encoder, exact search, a document scored by its best passage. Of a large
corpus a part is drawn, with everything that the drawn queries are judged by.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import legs
from benchmarks.beir import Corpus, read_jsonl
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, record
from molt.encoder import Encoder, InputType, Lane
from molt.encoder.vector_cache import encode_documents
from molt.engine.indexing.passages import corpus_passages
from molt.index.catalog.document import Document, passage_text
from molt.index.passages.splitting import Splitting

CORPORA = ("devops_se", "medquad", "cranfield", "scitldr")
SPLITTINGS = {
    "whole": None,
    "fit": Splitting(),
    "fit, overlap 32": Splitting(overlap=32),
    "128": Splitting(tokens=128),
}
SEED = 20_261
_CUTOFF = 10
Values = npt.NDArray[np.float64]


def read_documents(folder: Path) -> dict[str, Document]:
    """The documents of a corpus, title and text apart."""
    return {
        row["_id"]: Document(row["_id"], row["text"], title=row.get("title") or "")
        for row in read_jsonl(folder / "corpus.jsonl")
    }


def drawn(corpus: Corpus, *, queries: int, documents: int) -> tuple[list[int], list[str]]:
    """The places of some queries, and documents: those that they are judged by, and others."""
    random = np.random.default_rng(SEED)
    places = sorted(random.permutation(len(corpus.queries))[:queries].tolist())
    needed = {doc for at in places for doc in corpus.qrels[corpus.query_ids[at]]}
    others = [doc for doc in corpus.doc_ids if doc not in needed]
    more = random.permutation(len(others))[: max(0, documents - len(needed))]
    kept = needed | {others[at] for at in more.tolist()}
    return places, [doc for doc in corpus.doc_ids if doc in kept]


def similarities(
    encoder: Encoder,
    queries: Values,
    documents: Sequence[Document],
    splitting: Splitting | None,
    *,
    cache: Path,
) -> tuple[Values, int]:
    """How near each query is to each document's best passage, and how many passages there are."""
    texts = [passage_text(title=one.title, text=one.text) for one in documents]
    passages = corpus_passages(encoder, documents, texts=texts, splitting=splitting)
    vectors = encode_documents(encoder, passages.texts, cache=cache)
    nearest = np.maximum.reduceat(queries @ vectors.T, passages.first, axis=1)
    return nearest, len(passages.texts)


def gains(corpus: Corpus, places: Sequence[int], ids: Sequence[str], scores: Values) -> Values:
    """nDCG@10 of every query."""
    discounts = 1 / np.log2(np.arange(_CUTOFF) + 2)
    values = []
    for at, row in zip(places, scores, strict=True):
        judged = corpus.qrels[corpus.query_ids[at]]
        best = np.argsort(-row, kind="stable")[:_CUTOFF].tolist()
        found = np.array([max(judged.get(ids[place], 0), 0) for place in best])
        ideal = np.sort(np.maximum(np.array([*judged.values()]), 0))[::-1][:_CUTOFF]
        values.append(found @ discounts[: len(found)] / (ideal @ discounts[: len(ideal)]))
    return np.array(values)


def compare(name: str, arguments: Any, encoder: Encoder) -> list[dict[str, Any]]:
    """The rows of one corpus."""
    corpus = legs.corpus(name, data=arguments.data, scratch=arguments.scratch)
    known = read_documents(arguments.data / name)
    places, ids = drawn(corpus, queries=arguments.queries, documents=arguments.documents)
    asked = [corpus.queries[at] for at in places]
    queries = encoder.encode(asked, input_type=InputType.QUERY, lane=Lane.BACKGROUND).vectors
    rows: list[dict[str, Any]] = []
    base: Values | None = None
    for label, splitting in SPLITTINGS.items():
        documents = [known[doc] for doc in ids]
        cache = arguments.scratch / "cache"
        scores, count = similarities(encoder, queries, documents, splitting, cache=cache)
        values = gains(corpus, places, ids, scores)
        base = values if base is None else base
        interval = 1.96 * float((values - base).std()) / np.sqrt(len(values))
        rows.append(
            {
                "corpus": name,
                "documents": len(ids),
                "queries": len(places),
                "split": label,
                "passages": count,
                "nDCG@10": float(values.mean()),
                "difference": float((values - base).mean()),
                "± 95 %": interval,
            }
        )
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Compare every corpus and record the result."""
    options = parser(__doc__)
    options.add_argument("--corpora", nargs="+", default=list(CORPORA))
    options.add_argument("--queries", type=int, default=800, help="at most, of each corpus")
    options.add_argument("--documents", type=int, default=5_000, help="at most, of each corpus")
    arguments = options.parse_args()
    machine = machine_facts()
    encoder = legs.LazyEncoder(Path(arguments.scratch)).opened
    rows = [row for name in arguments.corpora for row in compare(name, arguments, encoder)]
    fit = [row["difference"] for row in rows if row["split"] == "fit"]
    record(
        "passages",
        machine=machine,
        targets=[Target("whole, the default, above fit", -float(np.mean(fit)), ">=", 0.0)],
        tables=[Table("nDCG@10; differences are from `whole`, of the same queries", rows)],
        details={},
    )


if __name__ == "__main__":
    main()
