"""Does anybody notice when encoder and index are swapped under load?

    python -m benchmarks.swaps --data ../shared/data --home DIR --other CHECKPOINT

Swaps the collection of a copy of the home DIR back and forth between its own checkpoint and
another one that lies there, while clients search and write. Every answer is checked afterwards:
its generation must be of the checkpoint that it names, and each score must be the product of that
checkpoint's query vector with the vector that the generation holds.
"""

import asyncio
import json
import shutil
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.answers import embedded
from benchmarks.beir import read_jsonl
from benchmarks.collection import embedding_bodies
from benchmarks.exact import read_vectors
from benchmarks.jobs import run_job
from benchmarks.load import exchange
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, record
from benchmarks.server import Server, molt
from benchmarks.traffic import Connection, Traffic

AROUND_SECONDS = 0.5
TOLERANCE = 1e-4
CATALOG_HANDLES = 2 * 48 + 1  # the pool's bound: each connection has two files, all share a third


@dataclass(frozen=True)
class Upkeep:
    """What the serving process occupies."""

    resident: int
    descriptors: int
    catalog: int
    threads: int
    directories: int


@dataclass(frozen=True)
class Run:
    """One run of swaps: the traffic, when pointers moved, and the process then and now."""

    traffic: Traffic
    flips: list[float]
    early: Upkeep
    late: Upkeep


def upkeep(server: Server, home: Path) -> Upkeep:
    """Of the process itself, not of what it started.

    Mapped segments are not counted: there are as many as merges have left yet. Handles of the
    catalog are counted apart: its pool opens connections as they are needed, up to a bound.
    """
    process = psutil.Process(server.pid)
    handles = [str(each.resolve()) for each in Path(f"/proc/{server.pid}/fd").iterdir()]
    segments = sum("/segments/" in handle for handle in handles)
    catalog = sum(Path(handle).name.startswith("catalog.sqlite3") for handle in handles)
    folders = [
        each for name in ("generations", "runs", "checkpoints") for each in (home / name).glob("*")
    ]
    return Upkeep(
        process.memory_info().rss,
        len(handles) - segments - catalog,
        catalog,
        process.num_threads(),
        len(folders),
    )


async def swap(
    server: Server, home: Path, traffic: Traffic, generations: list[str], arguments: Any
) -> Run:
    """Activate the generations in turn, with traffic all the time."""
    going = asyncio.create_task(
        traffic.run(searchers=arguments.searchers, writers=arguments.writers)
    )
    control = Connection(server.port)
    flips: list[float] = []
    await asyncio.sleep(2.0)
    early = late = upkeep(server, home)
    for number in range(arguments.swaps):
        body = {"generation": generations[number % 2], "reason": f"swap {number}"}
        status, answer = await control.ask("POST", "/admin/activate", body)
        flips.append(time.perf_counter())
        if status != 200:
            traffic.failures.append(f"activate {status}: {answer}")
        await asyncio.sleep(arguments.pause)
        if number == min(10, arguments.swaps // 2):
            early = upkeep(server, home)
        if number % 20 == 0:
            print(number, len(traffic.seen), len(traffic.failures), flush=True)
    late = upkeep(server, home)
    traffic.stopping.set()
    await going
    await control.close()
    return Run(traffic, flips, early, late)


def disagreements(server: Server, home: Path, traffic: Traffic) -> list[str]:
    """Answers whose vectors, scores, checkpoint and generation do not fit together.

    What was deleted since is not in a generation any more, so its scores are not checked.
    """
    checkpoints = {each.generation: _checkpoint(home, each.generation) for each in traffic.seen}
    asked = sorted({each.query for each in traffic.seen})
    places = {query: place for place, query in enumerate(asked)}
    queries = {
        checkpoint: embedded(
            exchange(
                server.port,
                "/v1/embeddings",
                embedding_bodies(asked, input_type="query", model=checkpoint),
                clients=2,
            )
        )
        for checkpoint in set(checkpoints.values())
    }
    vectors = {
        generation: read_vectors(home, collection=traffic.collection, generation=generation)
        for generation in checkpoints
    }
    found = []
    for each in traffic.seen:
        if checkpoints[each.generation] != each.checkpoint:
            found.append(f"{each.generation} is not of {each.checkpoint}")
            continue
        if not each.scores:
            found.append(f"{each.query!r} in {each.generation}: no hits")
        query = queries[each.checkpoint][places[each.query]]
        held = vectors[each.generation]
        exact = {doc_id: held[doc_id] @ query for doc_id in each.scores if doc_id in held}
        if any(abs(each.scores[doc_id] - score) > TOLERANCE for doc_id, score in exact.items()):
            found.append(f"{each.query!r} in {each.generation}: {each.scores} is not {exact}")
    return found


def _checkpoint(home: Path, generation: str) -> str:
    manifest = home / "generations" / generation / "generation.json"
    return str(json.loads(manifest.read_text(encoding="utf-8"))["checkpoint"])


def around(run: Run) -> tuple[float, float]:
    """p99 of searches within half a second of a flip, and of those at other times; seconds."""
    flips = np.array(run.flips)
    at = np.array([each.at for each in run.traffic.seen])
    seconds = np.array([each.seconds for each in run.traffic.seen])
    places = np.searchsorted(flips, at)
    before = np.abs(at - flips[np.clip(places - 1, 0, len(flips) - 1)])
    after = np.abs(at - flips[np.clip(places, 0, len(flips) - 1)])
    near = np.minimum(before, after) <= AROUND_SECONDS
    return float(np.quantile(seconds[near], 0.99)), float(np.quantile(seconds[~near], 0.99))


def prepare(server: Server, name: str, checkpoint: str) -> list[str]:
    """Both generations' ids: the one of now, and one under `checkpoint`, made by a job."""
    url = f"http://127.0.0.1:{server.port}/collections/{name}"
    with urllib.request.urlopen(url) as answer:
        before = json.load(answer)["generation"]
    body = {"collection": name, "checkpoint": checkpoint}
    return [before, run_job(server, "reload", body).result["generation"]]


def main() -> None:
    """Swap, check, and record."""
    options = parser(__doc__)
    options.add_argument("--home", type=Path, required=True, help="is copied, not changed")
    options.add_argument("--other", required=True, metavar="CHECKPOINT")
    options.add_argument("--collection", default="devops_se")
    options.add_argument("--swaps", type=int, default=200)
    options.add_argument("--searchers", type=int, default=50)
    options.add_argument("--writers", type=int, default=2)
    options.add_argument("--pause", type=float, default=1.5, help="seconds between two swaps")
    options.add_argument("--name", default="swaps", help="of the recorded result")
    arguments = options.parse_args()
    machine = machine_facts()
    home = arguments.scratch / "swaps"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(arguments.home, home)
    questions = read_jsonl(arguments.data / arguments.collection / "queries.jsonl")
    texts = [row["text"][:400] for row in read_jsonl(arguments.data / "scitldr" / "corpus.jsonl")]
    with molt(home, worker=True, watch_seconds=0.0) as server:
        generations = prepare(server, arguments.collection, arguments.other)
        queries = [row["text"] for row in questions][:300]
        traffic = Traffic(server.port, arguments.collection, queries, list(dict.fromkeys(texts)))
        run = asyncio.run(swap(server, home, traffic, generations, arguments))
        wrong = disagreements(server, home, traffic)
    report(run, wrong, machine=machine, name=arguments.name)


def report(run: Run, wrong: list[str], *, machine: dict[str, Any], name: str) -> None:
    """Record what was seen."""
    traffic = run.traffic
    near, far = around(run)
    row = {
        "swaps": len(run.flips),
        "searches": len(traffic.seen),
        "documents written": traffic.written,
        "p99 around flips, ms": near * 1000,
        "p99 else, ms": far * 1000,
        "MB early": run.early.resident / 1e6,
        "MB late": run.late.resident / 1e6,
    }
    record(
        name,
        machine=machine,
        targets=[
            Target("failed requests", len(traffic.failures), "<=", 0),
            Target("answers that disagree with themselves", len(wrong), "<=", 0),
            Target("visible documents that were not found", len(traffic.missing), "<=", 0),
            Target("p99 around a flip over p99 else", near / far, "<=", 2),
            Target("memory late over early", run.late.resident / run.early.resident, "<=", 1.1),
            Target("file handles of the catalog", run.late.catalog, "<=", CATALOG_HANDLES),
            Target(
                "other file handles more", run.late.descriptors - run.early.descriptors, "<=", 5
            ),
            Target("threads more", run.late.threads - run.early.threads, "<=", 2),
            Target("directories more", run.late.directories - run.early.directories, "<=", 0),
        ],
        tables=[Table("Swaps under load", [row])],
        details={
            "failures": traffic.failures[:20],
            "disagreements": wrong[:20],
            "missing": traffic.missing[:20],
            "early": asdict(run.early),
            "late": asdict(run.late),
        },
    )


if __name__ == "__main__":
    main()
