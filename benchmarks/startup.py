"""How long does Molt take to start: its commands, a server, a worker?

    git worktree add ../before COMMIT
    python -m benchmarks.startup --before ../before

Each is started several times, by this version and by the other in turn; the least of each is told,
since whatever else runs on the machine only adds. Seconds of the clock are counted from spawn to
the end, to the first 200 of `/readyz`, or to the end of a job that waited; seconds of the processor
are those of the process and of all below it until then, for a server with its worker until both
have come to rest. Files are in the page cache, and each version has a home of its own, with what a
first start makes.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.checkpoint import default_checkpoint
from benchmarks.record import Table, Target, machine_facts, record
from benchmarks.server import Server, command_of, molt
from molt.engine.settings import load_settings
from molt.index.jobs.job import JobKind, JobRequest
from molt.index.jobs.queue import JobQueue

COLLECTION = "shop"
LEAST = 2 / 3
"""The share of the former seconds that a server may still take."""
KEYS_SECONDS = 0.5
RESTING_SECONDS, RESTING_SHARE = 1.0, 0.05
BEFORE, NOW = "before", "now"


@dataclass(frozen=True)
class Start:
    """Seconds by the clock and of the processor, and MB resident where a process stays."""

    wall: float
    processor: float
    resident: float | None = None


Begin = Callable[[Path | None], Start]


def ended(home: Path, *arguments: str) -> Begin:
    """A command that ends by itself."""

    def begin(source: Path | None) -> Start:
        command, environment = command_of(source)
        before, began = os.times(), time.perf_counter()
        subprocess.run(
            [*command, "--home", str(home), *arguments],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wall, after = time.perf_counter() - began, os.times()
        user = after.children_user - before.children_user
        return Start(wall, user + after.children_system - before.children_system)

    return begin


def served(home: Path, *, worker: bool) -> Begin:
    """A server, until it is ready."""

    def begin(source: Path | None) -> Start:
        with molt(home, worker=worker, source=source) as server:
            seconds = rested(server) if worker else server.cpu_seconds()
            return Start(server.seconds_to_ready, seconds, server.memory().resident / 2**20)

    return begin


def rested(server: Server) -> float:
    """Seconds of the processor until a server and its worker did next to nothing."""
    before = server.cpu_seconds()
    while True:
        time.sleep(RESTING_SECONDS)
        after = server.cpu_seconds()
        if after - before < RESTING_SHARE * RESTING_SECONDS:
            return after
        before = after


def worked(home: Path) -> Begin:
    """A worker, until it has done a job that waited for it: one that fails at once."""

    def begin(source: Path | None) -> Start:
        with closing(JobQueue(load_settings(home=home).jobs)) as queue:
            job = queue.ask(JobRequest(JobKind.EVALUATE, "nothing", {}, actor="benchmark"))
            began = time.perf_counter()
            with working(home, source) as process:
                until(lambda: queue.get(job.id).state.ended, process)
                return measured(process, time.perf_counter() - began)

    return begin


def waited(home: Path) -> Begin:
    """A worker that nobody asks for anything, until it waits."""

    def begin(source: Path | None) -> Start:
        began = time.perf_counter()
        with working(home, source) as process:
            line = process.stderr.readline()
            if b"worker.started" not in line:
                raise RuntimeError(f"the worker did not start: {line!r}")
            return measured(process, time.perf_counter() - began)

    return begin


@contextmanager
def working(home: Path, source: Path | None) -> Iterator["subprocess.Popen[bytes]"]:
    """`molt worker`, ended with the block."""
    command, environment = command_of(source)
    environment |= {"MOLT_WORKER__NICENESS": "0", "MOLT_LOG__FORMAT": "json"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*command, "--home", str(home), "worker", "--supervised"],
        env=environment,
        stdin=pipe,
        stderr=pipe,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(done: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait until it is done. Raises `RuntimeError` where the process ends before."""
    while not done():
        if process.poll() is not None:
            raise RuntimeError(f"the worker ended with status {process.returncode}")
        time.sleep(0.01)


def measured(process: "subprocess.Popen[bytes]", wall: float) -> Start:
    """What a process that lives has taken so far."""
    seen = psutil.Process(process.pid)
    times = seen.cpu_times()
    return Start(wall, times.user + times.system, seen.memory_info().rss / 2**20)


def everything(home: Path, table: Path) -> Mapping[str, Begin]:
    """What is started, by name."""
    return {
        "molt --help": ended(home, "--help"),
        "molt config show": ended(home, "config", "show"),
        "molt keys list": ended(home, "keys", "list"),
        "molt jobs list": ended(home, "jobs", "list"),
        "molt search": ended(home, "search", COLLECTION, "boots"),
        "molt import --dry-run": ended(home, "import", COLLECTION, str(table), "--dry-run"),
        "molt serve": served(home, worker=True),
        "molt serve, without its worker": served(home, worker=False),
        "molt worker, until it waits": waited(home),
        "molt worker, until it has done a job": worked(home),
    }


def prepared(home: Path, table: Path, checkpoint: Path, source: Path | None) -> None:
    """A home with a collection, a key and a queue, as every later start finds it."""
    for asked in (
        ("checkpoints", "add", str(checkpoint)),
        ("import", COLLECTION, str(table)),
        ("keys", "create", "--role", "read"),
        ("jobs", "list"),
    ):
        ended(home, *asked)(source)


def written(table: Path) -> None:
    """Write the documents of the collection."""
    rows = [{"id": f"d{n}", "text": f"warm boots, model {n}", "price": n} for n in range(500)]
    table.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def rounds(
    starts: Mapping[str, Mapping[str, Begin]], sources: Mapping[str, Path | None], count: int
) -> list[dict[str, Any]]:
    """Every start by every version in turn; a first round, which compiles, is not kept."""
    found: list[dict[str, Any]] = []
    for number in range(-1, count):
        for what in starts[NOW]:
            for version, source in sources.items():
                start = starts[version][what](source)
                row = {"what": what, "version": version, "round": number}
                found.append(row | vars(start))
                print(found[-1], flush=True)
    return [row for row in found if row["round"] >= 0]


def best(found: Sequence[dict[str, Any]], what: str, version: str, column: str) -> float | None:
    """The least of all rounds, where there are any."""
    seen = [row[column] for row in found if (row["what"], row["version"]) == (what, version)]
    return min(seen) if seen and seen[0] is not None else None


def rows(found: Sequence[dict[str, Any]], versions: Sequence[str]) -> list[dict[str, Any]]:
    """A line for each start."""
    names = {"wall": "seconds", "processor": "processor seconds", "resident": "MB resident"}
    return [
        {"what": what}
        | {
            f"{name}, {version}": best(found, what, version, column)
            for column, name in names.items()
            for version in versions
        }
        for what in dict.fromkeys(row["what"] for row in found)
    ]


def targets(found: Sequence[dict[str, Any]]) -> list[Target]:
    """What a start may take."""
    keys = best(found, "molt keys list", NOW, "processor")
    made = [Target("processor seconds of `molt keys list`", keys or 0.0, "<=", KEYS_SECONDS)]
    now, before = (best(found, "molt serve", version, "processor") for version in (NOW, BEFORE))
    if now and before:
        claim = "processor seconds of `molt serve` to those before"
        made.append(Target(claim, now / before, "<=", round(LEAST, 3)))
    return made


def main() -> None:
    """Measure and record."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--checkpoint", type=Path, help="by default the built-in one")
    options.add_argument("--before", type=Path, help="a checkout of another version")
    options.add_argument("--rounds", type=int, default=5)
    arguments = options.parse_args()
    machine = machine_facts()
    with tempfile.TemporaryDirectory(prefix="molt-startup-") as folder:
        table = Path(folder, "shop.jsonl")
        written(table)
        checkpoint = arguments.checkpoint or default_checkpoint(Path(folder, "default"))
        sources = {NOW: None} | ({BEFORE: arguments.before / "src"} if arguments.before else {})
        homes = {version: Path(folder, version) for version in sources}
        for version, source in sources.items():
            prepared(homes[version], table, checkpoint, source)
        starts = {version: everything(home, table) for version, home in homes.items()}
        found = rounds(starts, sources, arguments.rounds)
    record(
        "startup",
        machine=machine,
        targets=targets(found),
        tables=[Table("Start", rows(found, list(sources)[::-1]))],
        details={"rounds": found},
    )


if __name__ == "__main__":
    main()
