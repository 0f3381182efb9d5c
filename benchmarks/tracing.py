"""What do spans cost a search, where there are none and where there are?

    python -m benchmarks.tracing

Nanoseconds of the processor that timing one stage takes: as a generator timed it before there were
spans, now without them, and with them, recorded and handed to whoever sends them. And what a whole
search of thousands of documents takes without and with its spans, by turns. Vectors are hashes.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any

from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from benchmarks.record import Table, Target, machine_facts, median, record
from benchmarks.writes import ENCODER, NAME, build, serving
from molt.engine.search.candidates import Stopwatch
from molt.engine.search.pipeline import Pipeline
from molt.engine.search.query import SearchQuery
from molt.engine.telemetry.tracing import Tracing, sending

BLOCKS = 20_000
SEARCHES = 200


class Swallowing(SpanExporter):
    """A collector that takes everything at once."""

    def export(self, spans: object) -> SpanExportResult:
        """Take them."""
        del spans
        return SpanExportResult.SUCCESS


class Former:
    """The stopwatch as it was without spans."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timing(self, stage: str) -> Iterator[None]:
        """As the stopwatch does."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent


@contextmanager
def traced() -> Iterator[None]:
    """With spans, as a server that sends them has them."""
    tracing = Tracing(sending(Swallowing()))
    try:
        yield
    finally:
        tracing.close()


def spent(work: Callable[[], object], times: int) -> float:
    """The nanoseconds of the processor that this thread needs each time."""
    began = time.thread_time_ns()
    for _ in range(times):
        work()
    return (time.thread_time_ns() - began) / times


def blocks(make: Callable[[], Any]) -> Callable[[], None]:
    """One stage, timed."""
    watch = make()

    def once() -> None:
        with watch.timing("fuse"):
            pass

    return once


def measure(search: Callable[[], object], rounds: int) -> dict[str, list[float]]:
    """Every round's nanoseconds, all in turn."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        turn = {
            "stage, before": spent(blocks(Former), BLOCKS),
            "stage, off": spent(blocks(Stopwatch), BLOCKS),
            "search, off": spent(search, SEARCHES),
        }
        with traced():
            turn |= {
                "search, on": spent(search, SEARCHES),
                "stage, on": spent(blocks(Stopwatch), BLOCKS // 20),
            }
        for name, value in turn.items():
            found.setdefault(name, []).append(value)
    return found


def ratio(found: Mapping[str, list[float]], one: str, other: str) -> float:
    """The median of each round's ratio."""
    return median([a / b for a, b in zip(found[one], found[other], strict=True)])


def main() -> None:
    """Measure, and record."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--scratch", type=Path, default=Path("/tmp/molt-benchmarks"))
    made.add_argument("--documents", type=int, default=5_000)
    made.add_argument("--rounds", type=int, default=15)
    arguments = made.parse_args()
    machine, home = machine_facts(), arguments.scratch / "tracing"
    rmtree(home, ignore_errors=True)
    build(home, count=arguments.documents)
    with serving(home) as service:
        live, catalog = service.live_collections.get(NAME), service.catalog
        vector = ENCODER.embed_documents(["word31 word62"])[0]
        query = SearchQuery("", NAME, mode="dense", vector=vector)
        pipeline = Pipeline()
        found = measure(
            lambda: pipeline.search(query, live=live, catalog=catalog), arguments.rounds
        )
    off, on = "a stage without spans over one before", "microseconds that a span costs a stage"
    each = [(a - b) / 1000 for a, b in zip(found["stage, on"], found["stage, off"], strict=True)]
    targets = [
        Target(off, ratio(found, "stage, off", "stage, before"), "<=", 1.0),
        Target(on, median(each), "<=", 50.0),
    ]
    rows = [{"what": name, "ns of the processor": median(values)} for name, values in found.items()]
    record(
        "tracing",
        machine=machine,
        targets=targets,
        tables=[Table("Each", rows)],
        details=found,
    )


if __name__ == "__main__":
    main()
