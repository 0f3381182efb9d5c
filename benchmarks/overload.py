"""What happens at ten times the searches that can be borne?

    python -m benchmarks.overload --data ../shared/data

First as many searches as 16 clients get answered; then ten times as many a second, sent when their
time has come whether or not earlier ones were answered (an open loop), by a process of its own;
then single searches again. Where 1,500 connections are at work a search is not sent, and counted.
"""

import argparse
import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
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
from benchmarks.record import Table, Target, machine_facts, record
from benchmarks.server import Server, molt

NAME = "served"
CONNECTIONS = 1500
TIMES = 10
MB = 10**6


@dataclass
class OpenLoop:
    """Requests at a fixed rate over connections that stay open; seconds by status."""

    port: int
    bodies: Sequence[bytes]
    rate: float
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    _open: int = 0

    async def run(self, duration: float) -> None:
        """Send for so long and wait for what is at work then."""
        began, tasks = time.perf_counter(), set()
        for number in range(int(duration * self.rate)):
            await asyncio.sleep(began + number / self.rate - time.perf_counter())
            task = asyncio.create_task(self._ask(self.bodies[number % len(self.bodies)]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def _ask(self, body: bytes) -> None:
        if not self._idle and self._open >= CONNECTIONS:
            self.seconds["no connection"].append(0.0)
            return
        began = time.perf_counter()
        try:
            reader, writer = self._idle.pop() if self._idle else await self._connected()
            writer.write(
                b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body) + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            (length,) = (
                int(line[15:])
                for line in head.lower().split(b"\r\n")
                if line[:15] == b"content-length:"
            )
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            self._open -= 1
            self.seconds[type(error).__name__].append(time.perf_counter() - began)
            return
        self.seconds[head[9:12].decode()].append(time.perf_counter() - began)
        self._idle.append((reader, writer))

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._open += 1
        return await asyncio.open_connection("127.0.0.1", self.port)


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


def main() -> None:
    """Measure and record."""
    options = parser(__doc__)
    options.add_argument("--corpus", default="devops_se")
    options.add_argument("--documents", type=int, default=4_000)
    options.add_argument("--seconds", type=float, default=20.0)
    arguments = options.parse_args()
    machine = machine_facts()
    home = arguments.scratch / "overload"
    lend(home, default_checkpoint(arguments.scratch / "default"))
    documents = list(as_documents(read_jsonl(arguments.data / arguments.corpus / "corpus.jsonl")))
    documents = documents[: arguments.documents]
    asked = queries(documents)
    with molt(home) as server:
        ensure(server, NAME, documents)

        def alone(clients: int, seconds: float) -> Any:
            bodies = search_bodies(NAME, itertools.islice(asked, int(seconds * 1000)))
            where = {"seconds": seconds, "scratch": arguments.scratch}
            return measure(server.port, "/search", bodies, clients=clients, **where)

        alone(16, 5.0)
        idle, borne = alone(1, 5.0), alone(16, 10.0)
        before = server.memory().resident
        rate = TIMES * borne.per_second
        bodies = search_bodies(NAME, itertools.islice(asked, 5_000))
        seen, most = overloaded(
            server, bodies, rate=rate, duration=arguments.seconds, scratch=arguments.scratch
        )
        alone(1, 2.0)
        again = alone(1, 3.0)
    table = [
        {
            "answer": status,
            "count": len(seconds),
            **{f"p{q} ms": 1000 * float(np.percentile(seconds, q)) for q in (50, 99)},
        }
        for status, seconds in sorted(seen.items())
    ]
    by_status = {row["answer"]: row for row in table}
    refused, accepted = by_status.get("429", {}), by_status.get("200", {})
    others = sum(row["count"] for row in table if row["answer"] not in {"200", "429"})
    record(
        "overload",
        machine=machine,
        targets=[
            Target("p99 ms of a refusal (429)", refused.get("p99 ms", 0.0), "<=", 100),
            Target("p99 ms of what is accepted", accepted.get("p99 ms", 0.0), "<=", 10_000),
            Target("other answers", others, "<=", 0),
            Target("MB more than before", (most - before) / MB, "<=", 300),
            Target("p50 of a search 2 s later, times that before", again.p50 / idle.p50, "<=", 1.2),
        ],
        tables=[Table(f"{rate:.0f} searches a second", table)],
        details={"borne": borne.per_second, "idle p50": idle.p50},
    )


if __name__ == "__main__":
    send() if "--rate" in sys.argv else main()
