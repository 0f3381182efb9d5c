"""Is this version as fast as another one was?

    git worktree add ../before COMMIT
    python -m benchmarks.versions --data ../shared/data --before ../before

Each serves the same documents from a home and a checkpoint that it made itself, with the variant
that is named. Load goes to them in turn, in many short rounds, and is compared within each, so that
what happens on the machine meanwhile happens to all. This version runs twice: a ratio that is no
further from 1 than that of a version to itself may be says nothing.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from benchmarks.beir import read_jsonl
from benchmarks.collection import as_documents, body, embedding_bodies, search_bodies, settle
from benchmarks.load import measure
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, median, record
from benchmarks.server import Server, command_of, molt

NAME, WRITTEN = "served", "written"
SEED = 20_261
MOST = 1.03
BEFORE, NOW, AGAIN = "before", "now", "now, again"


@dataclass(frozen=True)
class Load:
    """What is asked, by how many clients at once."""

    name: str
    path: str
    clients: int
    bodies: Callable[[Sequence[str]], list[bytes]]


def searches(texts: Sequence[str]) -> list[bytes]:
    """Bodies of searches by meaning in the collection."""
    return search_bodies(NAME, texts)


def searches_without_mode(texts: Sequence[str]) -> list[bytes]:
    """The same for a version that knows no other way to search."""
    return search_bodies(NAME, texts, mode=None)


def batches(texts: Sequence[str]) -> list[bytes]:
    """Bodies that ask for 32 embeddings each."""
    starts = range(0, len(texts), 32)
    return [body({"input": texts[at : at + 32], "model": "default"}) for at in starts]


def writes(texts: Sequence[str]) -> list[bytes]:
    """Bodies that write 32 documents each and wait until they are found."""
    documents = [{"id": text.rsplit(maxsplit=1)[-1], "text": text} for text in texts]
    starts = range(0, len(documents), 32)
    return [body({"documents": documents[at : at + 32], "wait": True}) for at in starts]


def rollbacks(texts: Sequence[str]) -> list[bytes]:
    """Bodies that serve the collection from its other generation, back and forth."""
    return [body({"collection": NAME, "reason": text}) for text in texts]


LOADS = (
    Load("search, 1 client", "/search", 1, searches),
    Load("search, 16 clients", "/search", 16, searches),
    Load("embeddings, 1 client", "/v1/embeddings", 1, embedding_bodies),
    Load("embeddings, 16 clients", "/v1/embeddings", 16, embedding_bodies),
    Load("32 embeddings at a time, 1 client", "/v1/embeddings", 1, batches),
    Load("32 documents written and found", f"/collections/{WRITTEN}/documents", 1, writes),
    Load("rollback", "/admin/rollback", 1, rollbacks),
)


def texts_of(documents: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Eight words in a row of any document and a number: never the same twice, and without end."""
    words = " ".join(document["text"] for document in documents).split()
    random = np.random.default_rng(SEED)
    for number in count():
        place = int(random.integers(len(words) - 8))
        yield f"{' '.join(words[place : place + 8])} {number}"


def knows_modes(server: Server) -> bool:
    """Does a version search in more than one way?"""
    described = httpx.get(f"http://127.0.0.1:{server.port}/openapi.json").json()
    asked = described["paths"]["/search"]["post"]["requestBody"]["content"]["application/json"]
    name = asked["schema"]["$ref"].rpartition("/")[2]
    return "mode" in described["components"]["schemas"][name]["properties"]


def imported(home: Path, corpus: Path, *, source: Path | None) -> None:
    """Make a home that holds the corpus in two generations, unless a former run did."""
    if home.exists():
        return
    command, environment = command_of(source)
    command += ["--home", str(home)]
    for asked in (("import", NAME, str(corpus)), ("reindex", NAME)):
        subprocess.run([*command, *asked], env=environment, check=True, stdout=subprocess.DEVNULL)


def rounds(
    servers: dict[str, Server], texts: Iterator[str], arguments: Any
) -> list[dict[str, Any]]:
    """Each load on each server in turn, another first each time; a first round is not kept."""
    names, measured = list(servers), []
    modes = {name: knows_modes(server) for name, server in servers.items()}
    for number in range(-1, arguments.rounds):
        for load in LOADS:
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                asked = list(islice(texts, int(arguments.seconds * 1000)))
                plain = load.bodies is searches and not modes[name]
                bodies = searches_without_mode(asked) if plain else load.bodies(asked)
                seen = measure(
                    servers[name].port,
                    load.path,
                    bodies,
                    clients=load.clients,
                    seconds=arguments.seconds,
                    scratch=arguments.scratch,
                )
                row = {"load": load.name, "server": name, "round": number}
                measured.append(row | {"p50_ms": seen.p50 * 1000, "per_second": seen.per_second})
                print(measured[-1], flush=True)
    return [row for row in measured if row["round"] >= 0]


def rows(measured: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Medians of the rounds, and of the ratios within them, with the intervals of these."""
    found = []
    for load in LOADS:
        p50 = {
            name: np.array(
                [row["p50_ms"] for row in measured if (row["load"], row["server"]) == wanted]
            )
            for name in (BEFORE, NOW, AGAIN)
            for wanted in [(load.name, name)]
        }
        to_before = np.sqrt(p50[NOW] * p50[AGAIN]) / p50[BEFORE]
        to_itself = p50[AGAIN] / p50[NOW]
        medians = {f"p50 ms, {name}": median(list(values)) for name, values in p50.items()}
        found.append(
            {"load": load.name}
            | medians
            | {"to before": median(list(to_before)), "noise": noise_of(to_itself)}
        )
    return found


def noise_of(ratios: NDArray[np.float64]) -> float:
    """How far from 1 the median ratio of two servers that are the same may well be.

    The upper end of the 95 % interval (percentile bootstrap, 10,000 samples; Efron 1979) of the
    median of the ratios and of their reciprocals.
    """
    logs = np.log(ratios)
    both = np.concatenate([logs, -logs])
    random = np.random.default_rng(SEED)
    drawn = random.choice(both, size=(10_000, len(ratios)))
    return float(np.exp(np.quantile(np.median(drawn, axis=1), 0.975)))


def targets(table: Sequence[dict[str, Any]]) -> list[Target]:
    """No slower than before by 3 %, or by what a version may seem to differ from itself."""
    return [
        Target(
            f"p50 to that before: {row['load']}",
            row["to before"],
            "<=",
            max(MOST, round(row["noise"], 4)),
        )
        for row in table
    ]


def main() -> None:
    """Measure and record."""
    options = parser(__doc__)
    options.add_argument("--before", type=Path, required=True, help="a checkout of the other one")
    options.add_argument("--corpus", default="devops_se")
    options.add_argument("--documents", type=int, default=4_000)
    options.add_argument("--runtime", default="openvino-int8", help="the variant that serves")
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--seconds", type=float, default=1.5)
    arguments = options.parse_args()
    machine = machine_facts()
    corpus = arguments.data / arguments.corpus / "corpus.jsonl"
    with corpus.open() as lines:
        chosen = list(islice(lines, arguments.documents))
    folder = arguments.scratch / "versions"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "corpus.jsonl").write_text("".join(chosen))
    servers: dict[str, Server] = {}
    with ExitStack() as running:
        for name in (BEFORE, NOW, AGAIN):
            home = folder / name.replace(", ", "-")
            source = arguments.before / "src" if name == BEFORE else None
            imported(home, folder / "corpus.jsonl", source=source)
            serving = molt(home, runtime=arguments.runtime, source=source)
            servers[name] = running.enter_context(serving)
            settle(servers[name], NAME)
            httpx.post(f"http://127.0.0.1:{servers[name].port}/collections", json={"name": WRITTEN})
        documents = list(as_documents(read_jsonl(folder / "corpus.jsonl")))
        measured = rounds(servers, texts_of(documents), arguments)
    table = rows(measured)
    record(
        "versions",
        machine=machine,
        targets=targets(table),
        tables=[Table("Medians of the rounds", table)],
        details={"rounds": measured},
    )


if __name__ == "__main__":
    main()
