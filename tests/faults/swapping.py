"""Processes that a test arms, kills and starts again over a home."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from molt.artifact.faultpoint import ARMED, FIRED
from molt.index.jobs.job import Job, JobKind, JobRequest
from molt.index.jobs.queue import JobQueue
from tests.forking import fork
from tests.server import ServerProcess
from tests.waiting import wait_until

PATIENCE = 90.0
SLACK = 6.0
"""How many times slower the machine may be than an idle one, which other tests share with us."""
SOON = 5.0 * SLACK

REINDEX = JobRequest(JobKind.REINDEX, "shop")


def armed(home: Path, **points: str) -> dict[str, str]:
    """The environment of a process in which faultpoints do what `points` says, once."""
    named = ",".join(f"{name}={action}" for name, action in points.items())
    settings = {"MOLT_WATCH__SECONDS": "0", "MOLT_INDEX__RETAINED_GENERATIONS": "1"}
    return os.environ | settings | {ARMED: named, FIRED: str(home.parent / "fired")}


def in_batches(documents: int) -> dict[str, str]:
    """What makes a process seal so many documents into one segment."""
    return {"MOLT_INDEX__BATCH_DOCUMENTS": str(documents)}


def fired(home: Path, point: str) -> bool:
    """Has this faultpoint done what it was armed to?"""
    return (home.parent / "fired" / point).exists()


def work(
    home: Path,
    queue: JobQueue,
    job: Job,
    environment: dict[str, str],
    *,
    until: Callable[[], bool] = lambda: False,
) -> int:
    """Run a worker until the job has ended or the worker dies; its status, 0 if the job ended.

    It is killed as soon as `until` holds. What it logs is in `worker_log`.
    """
    command = ("worker", "--home", str(home), "--supervised")
    with (
        worker_log(home).open("ab") as log,
        fork("molt", *command, environment=environment, stderr=log.fileno()) as worker,
    ):
        wait_until(lambda: worker.poll() is not None or queue.get(job.id).state.ended or until())
        if until():
            worker.kill()
            return worker.wait()
        return worker.poll() or 0


def worker_log(home: Path) -> Path:
    return home.parent / "worker.log"


def logged(log: Path, event: str) -> list[dict[str, Any]]:
    """What a process has written of an event, line by line."""
    lines = (json.loads(line) for line in log.read_text().splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == event]


def was_killed(server: ServerProcess) -> bool:
    """Has SIGKILL ended it? Whoever waits for it still can."""
    end = os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return end is not None and end.si_status == signal.SIGKILL


def seconds_to_answer(server: ServerProcess) -> float:
    """Start it; how long until it answers a search."""
    began = time.monotonic()
    server.spawn()
    wait_until(lambda: answers(server))
    return time.monotonic() - began


def answers(server: ServerProcess) -> bool:
    """Is a search answered?"""
    try:
        return searched(server)[0] == 200
    except OSError:  # it does not listen yet
        return False


def searched(server: ServerProcess, **more: object) -> tuple[int, dict[str, Any]]:
    """A search for every document, and the answer to it."""
    body = {"query": "thing", "collection": "shop", "k": 1000, "include": []}
    return server.ask("POST", "/search", body | more)


def found(server: ServerProcess, **more: object) -> list[str]:
    """The documents that a search finds, sorted; one that it finds twice is there twice."""
    return sorted(hit["id"] for hit in searched(server, **more)[1]["hits"])
