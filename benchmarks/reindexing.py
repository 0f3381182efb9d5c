"""Does search keep its latency while a large collection is re-indexed, and how fast is that?

    python -m benchmarks.reindexing --data ../shared/data

Re-indexes the arXiv abstracts, every text encoded anew, while clients search at a steady pace; the
same clients searched before, with nothing else at work. The speed of encoding alone is that of the
same documents in a process of its own, with as many threads as the worker has and no search beside
it, before and after.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks import arxiv, engines
from benchmarks.checkpoint import default_checkpoint
from benchmarks.jobs import Outcome, run_job
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, record
from benchmarks.server import Server
from benchmarks.traffic import Traffic

SAMPLE = 2_000


def encoding_alone(arguments: Any, documents: Sequence[dict[str, Any]]) -> float:
    """Texts a second, of documents at even distances."""
    checkpoint = default_checkpoint(arguments.scratch / "default")
    threads = len(os.sched_getaffinity(0))
    chosen = documents[:: max(1, len(documents) // SAMPLE)][:SAMPLE]
    texts = [f"{each['title']} {each['text']}".strip() for each in chosen]
    with engines.engine(partial(engines.molt, checkpoint, threads, runtime="auto")) as engine:
        engine.encode(texts[:64])
        return len(texts) / engine.encode(texts).seconds


async def searched(traffic: Traffic, clients: int, *, seconds: float) -> None:
    """Search for a while and nothing else."""
    going = asyncio.create_task(traffic.run(searchers=clients, writers=0))
    await asyncio.sleep(seconds)
    traffic.stopping.set()
    await going


async def reindexed(server: Server, traffic: Traffic, clients: int) -> tuple[Outcome, float]:
    """Re-index with searches going on; the job and its seconds."""
    going = asyncio.create_task(traffic.run(searchers=clients, writers=0))
    began = time.monotonic()
    body = {"collection": arxiv.NAME, "reuse": False}
    outcome = await asyncio.to_thread(run_job, server, "reindex", body)
    seconds = time.monotonic() - began
    traffic.stopping.set()
    await going
    return outcome, seconds


def stage_seconds(outcome: Outcome, step: str, following: str) -> float:
    """From the event that begins a step to the one that begins the next."""
    at = {
        each.content["step"]: each.content["at"]
        for each in outcome.events
        if each.content["event"] == "step"
    }
    return float(at[following] - at[step])


def latency(name: str, traffic: Traffic) -> dict[str, Any]:
    """A row of the table."""
    p50, p99 = np.percentile([each.seconds for each in traffic.seen], [50, 99]) * 1000
    return {
        "searches while": name,
        "count": len(traffic.seen),
        "failed": len(traffic.failures),
        "p50, ms": float(p50),
        "p99, ms": float(p99),
    }


def main() -> None:
    """Search, re-index under search, and record."""
    options = parser(__doc__)
    options.add_argument("--documents", type=int, default=arxiv.SIZE)
    options.add_argument("--clients", type=int, default=4)
    options.add_argument("--think", type=float, default=0.5, help="seconds between two searches")
    options.add_argument("--idle", type=float, default=120.0, help="seconds of search alone")
    arguments = options.parse_args()
    machine = machine_facts()
    documents = arxiv.documents(arguments.data, count=arguments.documents)
    queries = arxiv.queries(arguments.data)
    alone = [encoding_alone(arguments, documents)]
    served = arxiv.served(arguments.data, arguments.scratch, count=arguments.documents, worker=True)
    with served as server:
        idle, busy = (
            Traffic(server.port, arxiv.NAME, queries, [], think=arguments.think) for _ in range(2)
        )
        asyncio.run(searched(idle, arguments.clients, seconds=arguments.idle))
        outcome, seconds = asyncio.run(reindexed(server, busy, arguments.clients))
    alone.append(encoding_alone(arguments, documents))
    rows = [latency("nothing else", idle), latency("re-indexing", busy)]
    speed = {
        "documents": len(documents),
        "minutes in all": seconds / 60,
        "documents/s, build": len(documents) / stage_seconds(outcome, "build", "flip"),
        "texts/s, encoding alone": statistics.mean(alone),
    }
    report(rows, speed, machine=machine, alone=alone)


def report(
    rows: Sequence[dict[str, Any]],
    speed: dict[str, Any],
    *,
    machine: dict[str, Any],
    alone: Sequence[float],
) -> None:
    """Record the ratios."""
    idle, busy = rows
    share = speed["documents/s, build"] / speed["texts/s, encoding alone"]
    record(
        "reindexing",
        machine=machine,
        targets=[
            Target("failed searches", idle["failed"] + busy["failed"], "<=", 0),
            Target("p50 over p50 idle", busy["p50, ms"] / idle["p50, ms"], "<=", 1.5),
            Target("p99 over p99 idle", busy["p99, ms"] / idle["p99, ms"], "<=", 3),
            Target("build over encoding alone", share, ">=", 0.85),
        ],
        tables=[Table("Search", list(rows)), Table("Re-indexing", [speed])],
        details={"encoding alone": list(alone)},
    )


if __name__ == "__main__":
    main()
