"""How relevant are the answers, next to exact fp32 search by sentence-transformers?

    python -m benchmarks.reference --data ../shared/data --out /tmp/reference NAME...
    python -m benchmarks.relevance --data ../shared/data --reference /tmp/reference

nDCG@10 of `/search` over HTTP on the test queries of each corpus: import, the quantised
encoder, passages, the index and its filters of liveness are all inside. The reference depends on
the corpus and the model alone: where its vectors are not at hand, the value that was recorded last
is taken, and there is no standard error.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ir_measures import iter_calc, nDCG

from benchmarks import arxiv
from benchmarks.answers import ranking
from benchmarks.beir import Corpus, read_corpus, read_jsonl
from benchmarks.checkpoint import default_checkpoint, lend, served_variant
from benchmarks.collection import as_documents, ensure, search_bodies
from benchmarks.load import exchange
from benchmarks.options import parser
from benchmarks.record import RESULTS, Table, Target, machine_facts, record
from benchmarks.server import molt

CORPORA = ("chorus_icecat", "devops_se", "cranfield", "medquad", "arxiv")
BLOCK = 256
DEPTH = 10
Run = dict[str, dict[str, float]]


def reference_run(corpus: Corpus, folder: Path) -> Run:
    """The exact ten best documents of each query by the reference vectors."""
    documents = np.load(folder / "documents.npy")
    queries = np.load(folder / "queries.npy")
    if (len(documents), len(queries)) != (len(corpus.texts), len(corpus.queries)):
        raise ValueError(f"{folder} was made of another corpus: make it again")
    run: Run = {}
    for first in range(0, len(queries), BLOCK):
        scores = queries[first : first + BLOCK] @ documents.T
        best = np.argpartition(-scores, DEPTH, axis=1)[:, :DEPTH]
        for query_id, row, places in zip(
            corpus.query_ids[first : first + BLOCK], scores, best, strict=True
        ):
            run[query_id] = {corpus.doc_ids[place]: float(row[place]) for place in places}
    return run


def molt_run(corpus: Corpus, arguments: Any) -> Run:
    """What `/search` answers to each query."""
    name = corpus.name
    bodies = search_bodies(name, corpus.queries)
    if name == arxiv.NAME:
        with arxiv.served(arguments.data, arguments.scratch, count=len(corpus.doc_ids)) as server:
            answers = exchange(server.port, "/search", bodies, clients=arguments.clients)
    else:
        home = arguments.scratch / name
        lend(home, default_checkpoint(arguments.scratch / "default"))
        documents = list(as_documents(read_jsonl(arguments.data / name / "corpus.jsonl")))
        with molt(home) as server:
            ensure(server, name, documents)
            answers = exchange(server.port, "/search", bodies, clients=arguments.clients)
    return {
        query_id: ranking(answer)
        for query_id, answer in zip(corpus.query_ids, answers, strict=True)
    }


def ndcg10(corpus: Corpus, run: Mapping[str, Mapping[str, float]]) -> npt.NDArray[np.float64]:
    """nDCG@10 of each query, in the corpus' order; 0 where nothing was found. `(n,)`."""
    values = {entry.query_id: entry.value for entry in iter_calc([nDCG @ DEPTH], corpus.qrels, run)}
    return np.array([values.get(query_id, 0.0) for query_id in corpus.query_ids])


def compare(corpus: Corpus, arguments: Any) -> dict[str, Any]:
    """One corpus' row: both values, their difference and its standard error over queries."""
    folder = arguments.reference / corpus.name
    ours = ndcg10(corpus, molt_run(corpus, arguments))
    row = {
        "corpus": corpus.name,
        "documents": len(corpus.doc_ids),
        "queries": len(corpus.query_ids),
        "nDCG@10 Molt": float(ours.mean()),
    }
    if folder.exists():
        reference = ndcg10(corpus, reference_run(corpus, folder))
        row["nDCG@10 fp32 exact"] = float(reference.mean())
        row["standard error"] = float((ours - reference).std(ddof=1) / np.sqrt(len(ours)))
    else:
        row["nDCG@10 fp32 exact"] = recorded(corpus.name)
        row["standard error"] = None
    row["difference"] = row["nDCG@10 Molt"] - row["nDCG@10 fp32 exact"]
    print(row, flush=True)
    return row


def recorded(name: str) -> float:
    """The reference's nDCG@10 on a corpus, as the last run that had its vectors found it."""
    last = json.loads((RESULTS / "relevance.json").read_text(encoding="utf-8"))
    rows = {row["corpus"]: row for table in last["tables"] for row in table["rows"]}
    return float(rows[name]["nDCG@10 fp32 exact"])


def main() -> None:
    """Compare every corpus and record the result."""
    options = parser(__doc__)
    options.add_argument("--reference", type=Path, required=True)
    options.add_argument("--corpora", nargs="+", default=list(CORPORA))
    options.add_argument("--clients", type=int, default=8)
    arguments = options.parse_args()
    machine = machine_facts()
    rows = [compare(read_corpus(arguments.data / name), arguments) for name in arguments.corpora]
    variant = served_variant(arguments.scratch / "default")
    record(
        "relevance",
        machine=machine,
        targets=[
            Target(f"nDCG@10, difference to fp32: {row['corpus']}", row["difference"], ">=", -0.005)
            for row in rows
        ],
        tables=[Table(f"Corpora; served by {variant}", rows)],
        details={},
    )


if __name__ == "__main__":
    main()
