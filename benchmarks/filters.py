"""What does a filter cost, and what does it lose?

    python -m benchmarks.filters --data ../shared/data

Filters that keep 0.01 %, 1 %, 10 % and 90 % of the collection, next to no filter: load by one
client in interleaved rounds, every query a new one, and recall@10 against exact search among
the documents that the filter keeps.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import arxiv
from benchmarks.answers import embedded, ranking
from benchmarks.checkpoint import served_variant
from benchmarks.collection import embedding_bodies, search_bodies, settle
from benchmarks.exact import read_passages, recall_at_10
from benchmarks.load import exchange, measure
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, median, record
from benchmarks.server import Server

KEPT = (1.0, 0.0001, 0.01, 0.1, 0.9)


def condition(kept: float) -> dict[str, Any]:
    """The part of a search body that keeps this share of the documents; 1 is no filter at all."""
    return {} if kept == 1.0 else {"filter": {"field": "share", "lt": kept}}


def latencies(
    server: Server, queries: Iterator[str], *, rounds: int, seconds: float, scratch: Path
) -> list[dict[str, float]]:
    """Rounds over all filters in turn, after one that is not kept: milliseconds."""
    measured = []
    for number in range(-1, rounds):
        for kept in KEPT:
            fresh = islice(queries, int(seconds * 500))
            bodies = search_bodies(arxiv.NAME, fresh, **condition(kept))
            seen = measure(
                server.port, "/search", bodies, clients=1, seconds=seconds, scratch=scratch
            )
            row = {"round": number, "kept": kept}
            measured.append(row | {"p50_ms": seen.p50 * 1000, "p99_ms": seen.p99 * 1000})
            print(measured[-1], flush=True)
    return [row for row in measured if row["round"] >= 0]


def recalls(
    server: Server, home: Path, queries: list[str], *, shares: dict[str, float]
) -> dict[float, float]:
    """Mean recall@10 under each filter; `shares` by document id."""
    asked = embedding_bodies(queries, input_type="query")
    vectors = embedded(exchange(server.port, "/v1/embeddings", asked, clients=2))
    generation = settle(server, arxiv.NAME)
    passages = read_passages(home, collection=arxiv.NAME, generation=generation)
    share = np.array([shares[doc_id] for doc_id in passages.doc_ids])
    found = {}
    for kept in KEPT:
        bodies = search_bodies(arxiv.NAME, queries, **condition(kept))
        rankings = [ranking(a) for a in exchange(server.port, "/search", bodies, clients=2)]
        recall = recall_at_10(passages, vectors, rankings, allowed=share < kept)
        found[kept] = float(recall.mean())
    return found


def summarise(
    rounds: list[dict[str, float]], recall: dict[float, float], *, count: int
) -> list[dict[str, Any]]:
    """A row for each filter; a ratio is to the same round's search without a filter."""
    rows = []
    bare = [entry["p50_ms"] for entry in rounds if entry["kept"] == 1.0]
    for kept in KEPT:
        own = [entry for entry in rounds if entry["kept"] == kept]
        p50 = [entry["p50_ms"] for entry in own]
        rows.append(
            {
                "kept": "all, no filter" if kept == 1.0 else f"{kept:.2%}",
                "documents": int((arxiv.shares(count) < kept).sum()),
                "recall@10": recall[kept],
                "p50 ms": median(p50),
                "p99 ms": median([entry["p99_ms"] for entry in own]),
                "p50 ratio": median(np.divide(p50, bare).tolist()),
            }
        )
    return rows


def main() -> None:
    """Measure every filter and record the result."""
    options = parser(__doc__)
    options.add_argument("--documents", type=int, default=arxiv.SIZE)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=4.0)
    options.add_argument("--queries", type=int, default=300, help="queries that measure recall")
    arguments = options.parse_args()
    machine = machine_facts()
    count = arguments.documents
    queries = arxiv.queries(arguments.data)
    shares = {
        row["id"]: row["metadata"]["share"] for row in arxiv.documents(arguments.data, count=count)
    }
    with arxiv.served(arguments.data, arguments.scratch, count=count) as server:
        home = arxiv.home(arguments.scratch, count=count)
        recall = recalls(server, home, queries[: arguments.queries], shares=shares)
        rounds = latencies(
            server,
            iter(queries[arguments.queries :]),
            rounds=arguments.rounds,
            seconds=arguments.seconds,
            scratch=arguments.scratch,
        )
    rows = summarise(rounds, recall, count=count)
    record(
        "filters",
        machine=machine,
        targets=[
            Target("recall@10, the lowest", min(row["recall@10"] for row in rows), ">=", 0.98),
            Target(
                "p50 relative to no filter, the highest",
                max(row["p50 ratio"] for row in rows),
                "<=",
                3.0,
            ),
        ],
        tables=[Table(f"Filters; served by {served_variant(home)}", rows)],
        details={"rounds": rounds},
    )


if __name__ == "__main__":
    main()
