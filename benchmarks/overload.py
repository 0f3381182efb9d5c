"""What happens at ten times the searches that can be borne?

    python -m benchmarks.overload --data ../shared/data

First as many searches as 16 clients get answered; then ten times as many a second, sent when their
time has come whether or not earlier ones were answered (an open loop), by a process of its own;
then single searches again; all of it several times. Where 2,500 connections are at work a search is
not sent, and counted. The first second, in which hundreds of them are opened, is told apart.
"""

import argparse
import asyncio
import itertools
import json
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from benchmarks.beir import read_jsonl
from benchmarks.bulkheads import queries
from benchmarks.checkpoint import default_checkpoint, lend
from benchmarks.collection import as_documents, ensure, search_bodies
from benchmarks.load import measure
from benchmarks.options import parser
from benchmarks.record import Table, Target, machine_facts, median, record
from benchmarks.server import Server, molt

NAME = "served"
CONNECTIONS = 2500
TIMES = 10
WAIT_SECONDS = 20.0
OPENING_SECONDS, OPENING = 1.0, ", first second"
MB = 10**6
_LENGTH = re.compile(rb"(?i)content-length: *(\d+)")


@dataclass
class OpenLoop:
    """Requests at a fixed rate over connections that stay open; seconds by status."""

    port: int
    bodies: Sequence[bytes]
    rate: float
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    idle: "list[Client]" = field(default_factory=list)
    open: int = 0
    at_work: int = 0
    began: float = 0.0

    async def run(self, duration: float) -> None:
        """Send for so long and wait for what is at work then, at most WAIT_SECONDS."""
        began, connecting = time.perf_counter(), set()
        self.began = began
        for number in range(int(duration * self.rate)):
            await asyncio.sleep(began + number / self.rate - time.perf_counter())
            body = self.bodies[number % len(self.bodies)]
            if self.idle:
                self.idle.pop().ask(body)
            elif self.open < CONNECTIONS:
                self.open += 1
                task = asyncio.create_task(self._connected(body))
                connecting.add(task)
                task.add_done_callback(connecting.discard)
            else:
                self.seconds["no connection"].append(0.0)
        await asyncio.gather(*connecting)
        ended = time.perf_counter()
        while self.at_work and time.perf_counter() < ended + WAIT_SECONDS:
            await asyncio.sleep(0.05)
        if self.at_work:
            self.seconds["no answer"] += [WAIT_SECONDS] * self.at_work

    async def _connected(self, body: bytes) -> None:
        loop, began = asyncio.get_running_loop(), time.perf_counter()
        try:
            _, client = await loop.create_connection(lambda: Client(self), "127.0.0.1", self.port)
        except OSError as error:
            self.open -= 1
            self.seconds[type(error).__name__].append(time.perf_counter() - began)
            return
        client.ask(body, began=began)


class Client(asyncio.Protocol):
    """One connection of an open loop; asks for one answer at a time."""

    def __init__(self, loop: OpenLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport
        self._began: float | None = None
        self._answer = b""

    def ask(self, body: bytes, *, began: float | None = None) -> None:
        """Send a search; it counts from `began`, else from now."""
        self._began, self._answer = began or time.perf_counter(), b""
        self._loop.at_work += 1
        self._transport.write(
            b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As asyncio calls it."""
        self._transport = transport  # type: ignore[assignment]  # uvloop's are no subclass

    def data_received(self, data: bytes) -> None:
        """As asyncio calls it."""
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        if end and found and len(body) >= int(found[1]):
            self._note(head[9:12].decode())
            self._loop.idle.append(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """As asyncio calls it."""
        self._loop.open -= 1
        if self in self._loop.idle:
            self._loop.idle.remove(self)
        elif self._began is not None:
            self._note("ended")

    def _note(self, status: str) -> None:
        assert self._began is not None
        if self._began < self._loop.began + OPENING_SECONDS:
            status += OPENING
        self._loop.seconds[status].append(time.perf_counter() - self._began)
        self._loop.at_work -= 1
        self._began = None


def overloaded(
    server: Server, bodies: Sequence[bytes], *, rate: float, duration: float, scratch: Path
) -> tuple[dict[str, list[float]], float]:
    """Seconds by status, and the most bytes that the server had resident meanwhile."""
    path = scratch / "overload.jsonl"
    path.write_bytes(b"\n".join(bodies))
    command = [sys.executable, "-m", "benchmarks.overload", "--port", str(server.port)]
    command += ["--bodies", str(path), "--rate", str(rate), "--duration", str(duration)]
    most, told = 0, scratch / "overload.json"
    with told.open("w") as file, subprocess.Popen(command, stdout=file) as process:
        while process.poll() is None:
            most = max(most, server.memory().resident)
            time.sleep(0.5)
    return json.loads(told.read_text()), most


def send() -> None:
    """As a program of its own: the open loop, told as JSON."""
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--bodies", type=Path, required=True)
    options.add_argument("--rate", type=float, required=True)
    options.add_argument("--duration", type=float, required=True)
    given = options.parse_args()
    loop = OpenLoop(given.port, given.bodies.read_bytes().split(b"\n"), given.rate)
    uvloop.run(loop.run(given.duration))
    sys.stdout.write(json.dumps(loop.seconds))


@dataclass(frozen=True)
class Round:
    """One overload: seconds by status, and what was before and after it."""

    rate: float
    seen: dict[str, list[float]]
    memory: int
    idle: float
    after: float

    def p99(self, status: str) -> float:
        """Milliseconds; 0 where there was no such answer."""
        seconds = self.seen.get(status)
        return 1000 * float(np.percentile(seconds, 99)) if seconds else 0.0

    def count(self, *statuses: str, others: bool = False) -> int:
        """How many answers had one of these, or (with `others`) none."""
        return sum(
            len(each) for name, each in self.seen.items() if (name[:3] in statuses) is not others
        )


def one_round(server: Server, asked: Iterator[str], arguments: argparse.Namespace) -> Round:
    """What is borne, ten times that, and the rest after it."""

    def alone(clients: int, seconds: float) -> Any:
        bodies = search_bodies(NAME, itertools.islice(asked, int(seconds * 1000)))
        where = {"seconds": seconds, "scratch": arguments.scratch}
        return measure(server.port, "/search", bodies, clients=clients, **where)

    idle, borne = alone(1, 5.0), alone(16, 5.0)
    before = server.memory().resident
    rate = TIMES * borne.per_second
    bodies = search_bodies(NAME, itertools.islice(asked, 5_000))
    seen, most = overloaded(
        server, bodies, rate=rate, duration=arguments.seconds, scratch=arguments.scratch
    )
    alone(1, 2.0)
    return Round(rate, seen, most - before, idle.p50, alone(1, 3.0).p50)


def targets(rounds: Sequence[Round]) -> list[Target]:
    """Medians of the rounds for what takes time; of all else the worst, or all together."""
    refusals = sum(each.count("429") for each in rounds)
    answers = sum(each.count("200") for each in rounds)
    others = sum(each.count("200", "429", others=True) for each in rounds)
    refused, accepted = ([each.p99(status) for each in rounds] for status in ("429", "200"))
    rested = [each.after / each.idle for each in rounds]
    return [
        Target("refusals", refusals, ">=", 1),
        Target("answers", answers, ">=", 1),
        Target("p99 ms of a refusal (429)", median(refused), "<=", 100),
        Target("p99 ms of what is accepted", median(accepted), "<=", 10_000),
        Target("other answers", others, "<=", 0),
        Target("MB more than before", max(each.memory for each in rounds) / MB, "<=", 300),
        Target("p50 of a search 2 s later, times that before", median(rested), "<=", 1.2),
    ]


def table(rounds: Sequence[Round]) -> Table:
    """Every status of every round."""
    rows = [
        {
            "round": number,
            "searches a second": each.rate,
            "answer": status,
            "count": len(seconds),
            **{f"p{q} ms": 1000 * float(np.percentile(seconds, q)) for q in (50, 99)},
        }
        for number, each in enumerate(rounds, start=1)
        for status, seconds in sorted(each.seen.items())
    ]
    return Table("Answers", rows)


def main() -> None:
    """Measure and record."""
    options = parser(__doc__)
    options.add_argument("--corpus", default="devops_se")
    options.add_argument("--documents", type=int, default=4_000)
    options.add_argument("--seconds", type=float, default=15.0)
    options.add_argument("--rounds", type=int, default=5)
    arguments = options.parse_args()
    machine = machine_facts()
    home = arguments.scratch / "overload"
    lend(home, default_checkpoint(arguments.scratch / "default"))
    documents = list(as_documents(read_jsonl(arguments.data / arguments.corpus / "corpus.jsonl")))
    documents = documents[: arguments.documents]
    asked = queries(documents)
    with molt(home) as server:
        ensure(server, NAME, documents)
        measure(
            server.port,
            "/search",
            search_bodies(NAME, itertools.islice(asked, 5_000)),
            clients=16,
            seconds=5.0,
            scratch=arguments.scratch,
        )
        rounds = []
        for _ in range(arguments.rounds):
            rounds.append(one_round(server, asked, arguments))
            print({status: rounds[-1].p99(status) for status in rounds[-1].seen}, flush=True)
    details = {"rounds": [{"idle p50": each.idle, "p50 after": each.after} for each in rounds]}
    record(
        "overload",
        machine=machine,
        targets=targets(rounds),
        tables=[table(rounds)],
        details=details,
    )


if __name__ == "__main__":
    send() if "--rate" in sys.argv else main()
