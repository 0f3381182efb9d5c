"""What does a hybrid search cost, with all that it can be asked for, and next to other servers?

    sh benchmarks/txtai.sh && python -m benchmarks.hybrid --data ../shared/data

74,709 abstracts (`hybrid_home`), searched by titles, each query a new one. At one client the parts
of a search are added one after another; every filter is another one and keeps about half of the
documents. Highlights and re-ranking read token vectors, which are made when a passage is first
looked at: `first` is with none of them there, `known` the same queries in other letters, which the
encoder reads alike and no cache of queries knows. At 16 clients three servers take turns, with the
same vectors and the same graph of the encoder: Molt, `hybrid_lines` and txtai.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import arxiv
from benchmarks.collection import body, search_bodies, settle
from benchmarks.exact import read_vectors
from benchmarks.hybrid_home import (
    RUNTIME,
    build,
    build_lines,
    index_by_txtai,
    lend_graph,
    lend_texts,
    made_once,
)
from benchmarks.load import exchange, measure
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, median, record
from benchmarks.server import Server, hybrid_lines, molt, txtai

CLIENTS = 16
MOLT, LINES, TXTAI = "molt", "hybrid lines", "txtai"
SEED = 20_261
TOKENS = {"MOLT_ENCODER__TOKEN_CACHE_BYTES": str(3 * 2**30)}
FACETS = ["categories", {"field": "share", "buckets": 10}]
_filters = count()


def filtered() -> dict[str, Any]:
    """A filter that nobody asked for before, and that keeps about half."""
    return {"filter": {"field": "share", "lt": 0.5 + next(_filters) * 1e-6}}


def hybrid(query: str, **more: Any) -> bytes:
    """The body of a hybrid search."""
    return search_bodies(arxiv.NAME, [query], mode="hybrid", **more)[0]


CASES = {
    "dense": lambda query: search_bodies(arxiv.NAME, [query])[0],
    "hybrid": hybrid,
    "hybrid, filter": lambda query: hybrid(query, **filtered()),
    "hybrid, filter, facets": lambda query: hybrid(query, **filtered(), facets=FACETS),
}
HIGHLIGHTED = "hybrid, highlights"
ALL = "hybrid, filter, facets, highlights"
RERANKED = "hybrid, 50 re-ranked by tokens"
KNOWN = {
    HIGHLIGHTED: lambda query: hybrid(query, highlight=True),
    ALL: lambda query: hybrid(query, **filtered(), facets=FACETS, highlight=True),
    RERANKED: lambda query: hybrid(query, rerank={"kind": "tokens", "depth": 50}),
}


def in_other_letters(text: str, random: np.random.Generator) -> str:
    """The same text in capitals and small letters by chance."""
    capital = random.random(len(text)) < 0.5
    return "".join(
        one.upper() if up else one.lower() for one, up in zip(text, capital, strict=True)
    )


def alone(
    server: Server, queries: Iterator[str], known: Sequence[str], arguments: Any
) -> list[dict[str, Any]]:
    """Milliseconds at one client: each case in turn, after a round that is not kept."""
    rows = []
    random = np.random.default_rng(SEED)
    load = partial(measure, server.port, "/search", clients=1, scratch=arguments.scratch)
    for name, ask in KNOWN.items():
        seen = load([ask(query) for query in known], seconds=600.0)
        rows.append({"case": f"{name}, first", "round": 0, "p50_ms": seen.p50 * 1000})
        print(rows[-1], flush=True)
    for number in range(-1, arguments.rounds):
        cases: dict[str, list[bytes]] = {
            name: [ask(query) for query in islice(queries, int(arguments.seconds * 400))]
            for name, ask in CASES.items()
        }
        for name, ask in KNOWN.items():
            cases[f"{name}, known"] = [ask(in_other_letters(one, random)) for one in known]
        for name, bodies in cases.items():
            spent = server.cpu_seconds()
            seen = load(bodies, seconds=arguments.seconds)
            row = {"case": name, "round": number, "p50_ms": seen.p50 * 1000}
            row["cpu_ms"] = (server.cpu_seconds() - spent) * 1000 / seen.requests
            print(row, flush=True)
            rows.append(row)
    return [row for row in rows if row["round"] >= 0]


def together(
    servers: Mapping[str, Server], queries: Iterator[str], arguments: Any
) -> list[dict[str, Any]]:
    """Requests a second at 16 clients: the servers in turn, after a round that is not kept."""
    rows = []
    for number in range(-1, arguments.rounds):
        order = list(servers) if number % 2 else list(reversed(servers))
        for name in order:
            texts = list(islice(queries, int(arguments.seconds * 500)))
            path, bodies = "/search", [hybrid(text) for text in texts]
            if name == LINES:
                bodies = [body({"query": text}) for text in texts]
            elif name == TXTAI:
                path, bodies = "/batchsearch", [body({"queries": [text]}) for text in texts]
            server, spent = servers[name], servers[name].cpu_seconds()
            seen = measure(
                server.port,
                path,
                bodies,
                clients=CLIENTS,
                seconds=arguments.seconds,
                scratch=arguments.scratch,
            )
            row = {"server": name, "round": number, "per_second": seen.per_second}
            row |= {"p50_ms": seen.p50 * 1000, "p99_ms": seen.p99 * 1000}
            row["cpu_ms"] = (server.cpu_seconds() - spent) * 1000 / seen.requests
            print(row, flush=True)
            rows.append(row)
    return [row for row in rows if row["round"] >= 0]


def medians(
    rows: Sequence[Mapping[str, Any]], key: str, values: Sequence[str]
) -> list[dict[str, Any]]:
    """For each of what `key` names the medians over the rounds."""
    table = []
    for name in dict.fromkeys(row[key] for row in rows):
        own = [row for row in rows if row[key] == name]
        found = {
            value: median([row[value] for row in own]) if value in own[0] else None
            for value in values
        }
        table.append({key: name, **found})
    return table


def peers(arguments: Any, home: Path, generation: str, stack: ExitStack) -> dict[str, Server]:
    """The other servers, at rest; txtai where its environment is there."""
    documents = arxiv.documents(arguments.data, count=arguments.documents)
    found = read_vectors(home, collection=arxiv.NAME, generation=generation)
    vectors = np.stack([found[one["id"]] for one in documents])

    def make_lines(folder: Path) -> None:
        lend_graph(folder, scratch=arguments.scratch)
        build_lines(folder, documents, vectors)

    def make_txtai(folder: Path) -> None:
        lend_graph(folder, scratch=arguments.scratch)
        lend_texts(folder, documents, vectors)

    lines = made_once(arguments.scratch / f"hybrid-lines-{len(documents)}", make_lines)
    servers = {LINES: stack.enter_context(hybrid_lines(lines))}
    if (arguments.txtai / "bin" / "python").exists():
        folder = made_once(arguments.scratch / f"txtai-{len(documents)}", make_txtai)
        index_by_txtai(arguments.txtai, folder)
        servers[TXTAI] = stack.enter_context(txtai(arguments.txtai, folder))
    return servers


def targets(
    cases: Sequence[Mapping[str, Any]], servers: Sequence[Mapping[str, Any]]
) -> list[Target]:
    """What was promised."""
    p50 = {row["case"]: row["p50_ms"] for row in cases}
    rate = {row["server"]: row["per_second"] for row in servers}
    ratio = p50[f"{HIGHLIGHTED}, known"] / p50["dense"]
    found = [
        Target("p50 ms of everything at 1 client, passages known", p50[f"{ALL}, known"], "<=", 12),
        Target("p50 ms with 50 re-ranked, passages known", p50[f"{RERANKED}, known"], "<=", 30),
        Target("hybrid with highlights, passages known, to dense", ratio, "<=", 2.0),
    ]
    for name in rate.keys() - {MOLT}:
        claim = f"requests/s at {CLIENTS} clients, to those of {name}"
        found.append(Target(claim, rate[MOLT] / rate[name], ">=", 1.0))
    return sorted(found, key=lambda one: one.claim)


def main() -> None:
    """Measure and record."""
    options = parser(__doc__)
    options.add_argument("--documents", type=int, default=arxiv.SIZE)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--known", type=int, default=100, help="queries whose passages are known")
    options.add_argument("--txtai", type=Path, default=Path("/tmp/txtai-venv"))
    arguments = options.parse_args()
    machine = machine_facts()
    documents = arxiv.documents(arguments.data, count=arguments.documents)
    home = made_once(
        arguments.scratch / f"hybrid-{len(documents)}",
        partial(build, documents=documents, scratch=arguments.scratch),
    )
    queries = arxiv.queries(arguments.data)
    known, others = queries[: arguments.known], iter(queries[arguments.known :])
    with ExitStack() as stack:
        server = stack.enter_context(molt(home, runtime=RUNTIME, settings=TOKENS))
        generation = settle(server, arxiv.NAME)
        exchange(server.port, "/search", [hybrid(one) for one in islice(others, 50)], clients=2)
        cases = alone(server, others, known, arguments)
        servers = {MOLT: server, **peers(arguments, home, generation, stack)}
        rounds = together(servers, others, arguments)
    first = medians(cases, "case", ["p50_ms", "cpu_ms"])
    second = medians(rounds, "server", ["per_second", "p50_ms", "p99_ms", "cpu_ms"])
    record(
        "hybrid",
        machine=machine,
        targets=targets(first, second),
        tables=[
            Table(f"{len(documents):,} documents, 1 client", first),
            Table(f"Hybrid searches at {CLIENTS} clients", second),
        ],
        details={"cases": cases, "servers": rounds},
    )


if __name__ == "__main__":
    main()
