"""Does anybody's load cost a search its latency?

    python -m benchmarks.bulkheads --data ../shared/data

One client searches, one search after the other and never the same twice, while others put each kind
of load on the same server: 40 clients that write events, an import of NDJSON, releases whose
generation has to catch up, embeddings of many texts, bodies of many MiB. Before each load it
searches with nothing else at work. Clients run in processes of their own, on the same cores.
"""

import itertools
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.beir import read_jsonl
from benchmarks.checkpoint import default_checkpoint, lend
from benchmarks.collection import as_documents, body, ensure, search_bodies, settle
from benchmarks.jobs import run_job
from benchmarks.load import Pressure, measure
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, median, record
from benchmarks.server import Server, molt

NAME = "served"
OTHER = "filled"
SEED = 20_261
PER_SECOND = 1000
_SETTLING = 1.0

Load = Callable[["Scene", threading.Event], int]
"""Puts load on the server until the event is set; how many requests it made."""


@dataclass(frozen=True)
class Scene:
    """The server, what it holds, and where scratch files go."""

    server: Server
    documents: Sequence[dict[str, Any]]
    generations: Sequence[str]
    scratch: Path
    seconds: float
    mode: str | None

    def post(self, path: str, content: bytes, *, ndjson: bool = False) -> Any:
        """The JSON of an answer."""
        kind = "application/x-ndjson" if ndjson else "application/json"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.server.port}{path}", content, {"Content-Type": kind}
        )
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)

    def pressed(self, path: str, bodies: Sequence[bytes], *, clients: int) -> int:
        """Load by another process for a little longer than searches are measured."""
        seconds = self.seconds + 2 * _SETTLING
        port, scratch = self.server.port, self.scratch
        seen = measure(port, path, bodies, clients=clients, seconds=seconds, scratch=scratch)
        return seen.requests


def idle(_scene: Scene, _over: threading.Event) -> int:
    """Nothing."""
    return 0


def events(scene: Scene, _over: threading.Event) -> int:
    """40 clients that write events as fast as they can."""
    click = {"action_name": "click", "query_id": "q", "client_id": "c"}
    count = int(scene.seconds * 4 * PER_SECOND)
    return scene.pressed(f"/events?collection={NAME}", [body(click)] * count, clients=40)


def imported(scene: Scene, over: threading.Event) -> int:
    """One NDJSON stream after another into a collection of its own; every text is new."""
    for number in itertools.count():
        chosen = _varied(scene.documents[:1000], f"{time.time_ns()}")
        lines = b"\n".join(body(document) for document in chosen)
        scene.post(f"/collections/{OTHER}/documents?wait=false", lines, ndjson=True)
        if over.is_set():
            return number + 1
    raise AssertionError


def flips(scene: Scene, over: threading.Event) -> int:
    """Releases, each to a generation that lacks 300 documents."""
    for number in itertools.count():
        chosen = _varied(scene.documents[:300], f"{time.time_ns()}")
        content = body({"documents": chosen, "wait": True})
        scene.post(f"/collections/{NAME}/documents", content)
        wanted = {"generation": scene.generations[number % 2], "reason": "measured"}
        scene.post("/admin/activate", body(wanted))
        if over.is_set():
            return number + 1
    raise AssertionError


def embeddings(scene: Scene, _over: threading.Event) -> int:
    """40 clients, each of which asks for 64 embeddings at a time."""
    texts = [document["text"] for document in scene.documents]
    rows = np.random.default_rng(SEED).integers(0, len(texts), (500, 64))
    bodies = [body({"input": [texts[place] for place in row], "model": "default"}) for row in rows]
    return scene.pressed("/v1/embeddings", bodies, clients=40)


def bodies_of_many_mib(scene: Scene, _over: threading.Event) -> int:
    """4 clients that send 10 MiB of judgments at a time, which are refused when they are read."""
    pairs = [{"query": f"{number}", "positive": "x" * 80} for number in range(80_000)]
    wrong = [*pairs, {"query": "no answer", "grade": 1}]
    return _refused(scene, f"/collections/{NAME}/judgments", body({"pairs": wrong}), _over)


WRITING_EVENTS = "40 clients that write events"
LOADS: dict[str, Load] = {
    WRITING_EVENTS: events,
    "an import of NDJSON": imported,
    "releases that catch up": flips,
    "40 clients that embed 64 texts each": embeddings,
    "4 clients that send 10 MiB": bodies_of_many_mib,
}


def _refused(scene: Scene, path: str, content: bytes, over: threading.Event) -> int:
    def send(_: int) -> int:
        for number in itertools.count():
            try:
                scene.post(path, content)
            except urllib.error.HTTPError as error:
                error.close()
            if over.is_set():
                return number + 1
        raise AssertionError

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(send, range(4)))


def _varied(documents: Sequence[dict[str, Any]], mark: str) -> list[dict[str, Any]]:
    """The documents with texts that no cache holds."""
    return [document | {"text": f"{mark} {document['text']}"} for document in documents]


def queries(documents: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Six words in a row of any document, never the same twice."""
    words = " ".join(document["text"] for document in documents).split()
    places = np.random.default_rng(SEED).permutation(len(words) - 6).tolist()
    return (f"{' '.join(words[place : place + 6])} {place}" for place in places)


def searched(scene: Scene, load: Load, asked: Iterator[str]) -> tuple[Pressure, int]:
    """Searches by one client while `load` is on; and how many requests that made."""
    some = itertools.islice(asked, int(scene.seconds * PER_SECOND))
    bodies = search_bodies(NAME, some, mode=scene.mode)
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load, scene, over)
        time.sleep(_SETTLING)
        port, scratch = scene.server.port, scene.scratch
        try:
            seen = measure(
                port, "/search", bodies, clients=1, seconds=scene.seconds, scratch=scratch
            )
        finally:
            over.set()
        return seen, loading.result()


def rounds(scene: Scene, arguments: Any, asked: Iterator[str]) -> list[dict[str, Any]]:
    """Each load with the idle searches just before it; once more before the first, not kept."""
    searched(scene, idle, asked)
    measured = []
    for number, (name, load) in itertools.product(range(arguments.rounds), LOADS.items()):
        if not any(wanted in name for wanted in arguments.only):
            continue
        alone, _ = searched(scene, idle, asked)
        beside, requests = searched(scene, load, asked)
        settle(scene.server, OTHER)
        measured.append(
            {
                "beside": name,
                "round": number,
                "requests": requests,
                "idle": asdict(alone),
                "loaded": asdict(beside),
            }
        )
        print(name, alone.p50, alone.p95, beside.p50, beside.p95, beside.p99, flush=True)
    return measured


def rows(measured: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The medians of all rounds, milliseconds."""
    found = []
    for name in LOADS:
        own = [entry for entry in measured if entry["beside"] == name]
        if not own:
            continue
        row: dict[str, Any] = {"searches beside": name}
        for when, part in itertools.product(("idle", "loaded"), ("p50", "p95", "p99")):
            row[f"{part} {when}"] = median([entry[when][part] * 1000 for entry in own])
        row["p95 over idle"] = median([each["loaded"]["p95"] / each["idle"]["p95"] for each in own])
        row["requests of the load"] = median([entry["requests"] for entry in own])
        found.append(row)
    return found


def targets(table: Sequence[dict[str, Any]]) -> list[Target]:
    """What each load may cost."""
    times = dict.fromkeys(LOADS, 5.0)
    times |= {"an import of NDJSON": 3.0, "releases that catch up": 3.0}
    found = []
    for row in table:
        name = row["searches beside"]
        found.append(Target(f"p95 over idle, {name}", row["p95 over idle"], "<=", times[name]))
        if name == WRITING_EVENTS:
            found.append(Target(f"p95 in ms, {name}", row["p95 loaded"], "<=", 50.0))
    return found


def prepared(server: Server, arguments: Any) -> Scene:
    """The collection twice: one to search in, under two generations, and one to write into."""
    documents = list(as_documents(read_jsonl(arguments.data / arguments.corpus / "corpus.jsonl")))
    documents = documents[: arguments.documents]
    ensure(server, NAME, documents)
    ensure(server, OTHER, documents)
    scene = Scene(server, documents, (), arguments.scratch, arguments.seconds, arguments.mode)
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/collections/{NAME}") as answer:
        before = json.load(answer)["generation"]
    after = run_job(server, "reindex", {"collection": NAME}).result["generation"]
    return Scene(**{**scene.__dict__, "generations": (before, after)})


def main() -> None:
    """Measure and record."""
    options = parser(__doc__)
    options.add_argument("--corpus", default="devops_se")
    options.add_argument("--documents", type=int, default=4_000)
    options.add_argument("--checkpoint", type=Path, help="a finished one; else the default")
    options.add_argument("--mode", help="of the searches; else what searches are by default")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--only", nargs="+", default=[""], help="words of the loads to measure")
    options.add_argument("--name", default="bulkheads", help="of the recorded result")
    arguments = options.parse_args()
    machine = machine_facts()
    checkpoint = arguments.checkpoint or default_checkpoint(arguments.scratch / "default")
    home = arguments.scratch / f"bulkheads-{checkpoint.name}"
    lend(home, checkpoint)
    with molt(home, worker=True, watch_seconds=0.0) as server:
        scene = prepared(server, arguments)
        measured = rounds(scene, arguments, queries(scene.documents))
    table = rows(measured)
    record(
        arguments.name,
        machine=machine,
        targets=targets(table),
        tables=[Table("Searches, milliseconds", table)],
        details={"rounds": measured},
    )


if __name__ == "__main__":
    main()
