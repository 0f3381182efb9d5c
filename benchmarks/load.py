"""The load: closed-loop HTTP/1.1 clients over connections that stay open.

    python -m benchmarks.load --port 8080 --path /search --bodies FILE --clients 16 --seconds 10

Each client sends its next request when the answer to its last one is complete, so the number
of clients is the number of requests in flight. As a program it measures: it runs in a process
of its own and prints one JSON object. `exchange` is the same load within the caller's process,
with the answers kept. Owns no server and no corpus.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

import numpy as np
import uvloop

FOREVER = float("inf")


class LoadError(Exception):
    """A server answered with something other than 200, or broke off."""


@dataclass(frozen=True)
class Pressure:
    """What one measurement saw; seconds throughout. `client_cpu` is what the load itself cost."""

    clients: int
    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    client_cpu: float

    @property
    def per_second(self) -> float:
        """Requests answered per second."""
        return self.requests / self.seconds


@dataclass
class _Load:
    """Requests still to send, shared by all clients, and what came back."""

    payloads: Sequence[bytes]
    deadline: float
    answers: list[bytes] | None
    sent: int = 0
    latencies: list[float] = field(default_factory=list)

    def take(self) -> int | None:
        """Number of the next request, or None where there is none or time is up."""
        if self.sent == len(self.payloads) or time.perf_counter() >= self.deadline:
            return None
        self.sent += 1
        return self.sent - 1


class _Client(asyncio.Protocol):
    """One connection with at most one request in flight."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._answer = bytearray()
        self._length: int | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if self._length is None:
            head = self._answer.find(b"\r\n\r\n")
            if head < 0:
                return
            self._head = head + 4
            self._length = self._head + _content_length(bytes(self._answer[:head]).lower())
        if len(self._answer) >= self._length:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(LoadError(f"the server closed the connection: {exc}"))

    def _send(self) -> None:
        request = self._load.take()
        if request is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._request = request
        self._started = time.perf_counter()
        self._transport.write(self._load.payloads[request])  # type: ignore[attr-defined]

    def _finish(self) -> None:
        self._load.latencies.append(time.perf_counter() - self._started)
        if not self._answer.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(LoadError(bytes(self._answer[:500]).decode(errors="replace")))
            self._transport.close()
            return
        if self._load.answers is not None:
            self._load.answers[self._request] = bytes(self._answer[self._head :])
        self._answer.clear()
        self._length = None
        self._send()


def exchange(port: int, path: str, bodies: Sequence[bytes], *, clients: int) -> list[bytes]:
    """Send every body; returns the answers' bodies in the same order. Raises `LoadError`."""
    answers = [b""] * len(bodies)
    load = _Load(_payloads(path, bodies), deadline=FOREVER, answers=answers)
    uvloop.run(_run(load, port, clients))
    return answers


def measure(
    port: int, path: str, bodies: Sequence[bytes], *, clients: int, seconds: float, scratch: Path
) -> Pressure:
    """Put the server under load from another process, for `seconds` or until `bodies` end.

    Raises `LoadError`, also where there is nothing to send: a run asked for more than its texts.
    """
    if not bodies:
        raise LoadError("no texts are left that were not sent before: ask for fewer rounds")
    bodies_file = scratch / f"bodies-{port}-{uuid4().hex}.jsonl"
    bodies_file.write_bytes(b"\n".join(bodies))
    command = [sys.executable, "-m", "benchmarks.load", "--port", str(port), "--path", path]
    command += ["--bodies", str(bodies_file), "--clients", str(clients), "--seconds", str(seconds)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    bodies_file.unlink()
    if finished.returncode != 0:
        raise LoadError(finished.stderr.strip().splitlines()[-1])
    return Pressure(**json.loads(finished.stdout))


def _payloads(path: str, bodies: Sequence[bytes]) -> list[bytes]:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        "Accept: application/json\r\nContent-Length: "
    ).encode()
    return [head + str(len(body)).encode() + b"\r\n\r\n" + body for body in bodies]


def _content_length(head: bytes) -> int:
    found = head.find(b"\r\ncontent-length:")
    if found < 0:
        raise LoadError(f"an answer without Content-Length: {head!r}")
    return int(head[found + 17 :].split(b"\r\n", 1)[0])


async def _run(load: _Load, port: int, clients: int) -> None:
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Client(load), "127.0.0.1", port)
        for _ in range(clients)
    ]
    await asyncio.gather(*(client.done for _, client in made))


def main() -> None:
    """Measure one load and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--bodies", type=Path, required=True, help="one JSON body a line")
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    arguments = parser.parse_args()
    payloads = _payloads(arguments.path, arguments.bodies.read_bytes().split(b"\n"))
    cpu, started = time.process_time(), time.perf_counter()
    load = _Load(payloads, deadline=started + arguments.seconds, answers=None)
    uvloop.run(_run(load, arguments.port, arguments.clients))
    p50, p95, p99 = np.percentile(load.latencies, [50, 95, 99])
    pressure = Pressure(
        clients=arguments.clients,
        requests=len(load.latencies),
        seconds=time.perf_counter() - started,
        p50=float(p50),
        p95=float(p95),
        p99=float(p99),
        client_cpu=time.process_time() - cpu,
    )
    print(json.dumps(asdict(pressure)))


if __name__ == "__main__":
    main()
