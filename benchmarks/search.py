"""How fast is `/search`, how true is its index, how soon is it up and what does it occupy?

    python -m benchmarks.search --data ../shared/data

For each size: starts of the server on the finished home; load by 1 and by 16 clients, every
query a new one, so that no cache helps; memory after that load; recall@10 against exact search
over the same vectors, with the query's vector as the server itself encodes it.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import arxiv
from benchmarks.answers import embedded, ranking
from benchmarks.checkpoint import served_variant
from benchmarks.collection import embedding_bodies, search_bodies, settle
from benchmarks.exact import read_passages, recall_at_10
from benchmarks.load import exchange, measure
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, median, record
from benchmarks.server import Server, molt

CLIENTS = (1, 16)
MB = 10**6


def starts(home: Path, *, count: int) -> list[float]:
    """Seconds from spawn to ready of `count` starts; files are in the page cache."""
    seconds = []
    for _ in range(count):
        with molt(home) as server:
            seconds.append(server.seconds_to_ready)
    return seconds


def latencies(
    server: Server, queries: Iterator[str], *, rounds: int, seconds: float, scratch: Path
) -> list[dict[str, Any]]:
    """Rounds of load by each number of clients, after one that is not kept."""
    measured = []
    for number in range(-1, rounds):
        for clients in CLIENTS:
            bodies = search_bodies(arxiv.NAME, islice(queries, int(seconds * 800)))
            seen = measure(
                server.port, "/search", bodies, clients=clients, seconds=seconds, scratch=scratch
            )
            row = {"clients": clients, "p50_ms": seen.p50 * 1000, "p99_ms": seen.p99 * 1000}
            measured.append({"round": number, **row, "per_second": seen.per_second})
            print(measured[-1], flush=True)
    return [row for row in measured if row["round"] >= 0]


def recall(server: Server, home: Path, queries: list[str]) -> float:
    """Mean recall@10 of `/search`; one text a request, as `/search` encodes it."""
    asked = embedding_bodies(queries, input_type="query")
    vectors = embedded(exchange(server.port, "/v1/embeddings", asked, clients=2))
    answers = exchange(server.port, "/search", search_bodies(arxiv.NAME, queries), clients=2)
    generation = settle(server, arxiv.NAME)
    passages = read_passages(home, collection=arxiv.NAME, generation=generation)
    return float(recall_at_10(passages, vectors, [ranking(answer) for answer in answers]).mean())


def measure_size(arguments: Any, count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """All of one size: its row of the table, and the rounds behind it."""
    home = arxiv.home(arguments.scratch, count=count)
    queries = arxiv.queries(arguments.data)
    with arxiv.served(arguments.data, arguments.scratch, count=count):
        pass
    ready = starts(home, count=arguments.starts)
    with molt(home) as server:
        rounds = latencies(
            server,
            iter(queries[arguments.queries :]),
            rounds=arguments.rounds,
            seconds=arguments.seconds,
            scratch=arguments.scratch,
        )
        memory = server.memory()
        row = {"documents": count, "recall@10": recall(server, home, queries[: arguments.queries])}
    for clients in CLIENTS:
        own = [entry for entry in rounds if entry["clients"] == clients]
        for name in ("p50_ms", "p99_ms", "per_second"):
            row[f"{name}, {clients} clients"] = median([entry[name] for entry in own])
    row |= {"start s": median(ready), "resident MB": memory.resident / MB}
    row |= {"unique MB": memory.unique / MB}
    return row, {"documents": count, "starts": ready, "rounds": rounds}


def main() -> None:
    """Measure every size and record the result."""
    options = parser(__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=[20_000, arxiv.SIZE])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=5.0)
    options.add_argument("--starts", type=int, default=5)
    options.add_argument("--queries", type=int, default=500, help="queries that measure recall")
    arguments = options.parse_args()
    machine = machine_facts()
    measured = [measure_size(arguments, count) for count in arguments.sizes]
    rows = [row for row, _ in measured]
    variant = served_variant(arxiv.home(arguments.scratch, count=arguments.sizes[0]))
    largest = max(rows, key=lambda row: int(row["documents"]))
    size = f"{largest['documents']:,} documents"
    record(
        "search",
        machine=machine,
        targets=[
            Target("recall@10, the lowest", min(row["recall@10"] for row in rows), ">=", 0.99),
            Target(f"seconds from spawn to ready, {size}", largest["start s"], "<=", 3.0),
            Target(f"resident MB under search, {size}", largest["resident MB"], "<=", 500.0),
        ],
        tables=[Table(f"Sizes; served by {variant}", rows)],
        details={"sizes": [detail for _, detail in measured]},
    )


if __name__ == "__main__":
    main()
