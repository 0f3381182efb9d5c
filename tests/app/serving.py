"""The application over a real engine with a hashing encoder, in this process or in its own.

Run as a program it serves until a signal comes: `python -m tests.app.serving [FLAG=VALUE]...`.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from molt.app.application import create_app
from molt.app.server import serve
from molt.app.service import Service
from molt.encoder.encoder import Encoder
from molt.engine.encoders import Encoders, checkpoint_encoders
from molt.engine.engine import Engine
from molt.engine.settings import Settings, load_settings
from molt.index.selection.expiring import Clock, wall_clock
from tests.hashing import HashingEncoder
from tests.paths import ROOT

BOOTS = [
    {"id": "d1", "title": "Boots", "text": "warm waterproof boots", "metadata": {"price": 80}},
    {"id": "d2", "title": "Socks", "text": "warm wool socks", "metadata": {"price": 12}},
    {"id": "d3", "title": "Tent", "text": "a tent for two", "metadata": {"price": 200}},
]


def open_engine(settings: Settings, *, clock: Clock = wall_clock) -> Engine:
    """An engine whose default checkpoint is a hashing encoder's; others are the home's.

    There is a second hashing encoder, of seed 1.
    """
    encoders = [HashingEncoder(), HashingEncoder(seed=1)]
    hashing = {encoder.checkpoint.id: encoder for encoder in encoders}
    others = checkpoint_encoders(settings)

    def open_encoder(wanted: str) -> Encoder | HashingEncoder:
        return hashing.get(wanted) or others.get(wanted)

    engine = Engine.open(settings, encoders=Encoders(open_encoder), clock=clock)
    engine.catalog.aliases.set("default", encoders[0].checkpoint.id)
    return engine


@contextmanager
def serving(home: Path, **flags: Any) -> Iterator[TestClient]:
    """A client of the application over a fresh home; a 500 is an answer, not an exception."""
    settings = load_settings(home=home, **flags)
    engine = open_engine(settings)
    engine.start()
    app = create_app(settings, engine)
    with TestClient(app, "http://localhost", raise_server_exceptions=False) as client:
        yield client


def service_of(client: TestClient) -> Service:
    """What serves the requests of a client."""
    app: Any = client.app
    service: Service = app.state.service
    return service


class Process:
    """A server in a process of its own; the first line of its log told where it listens."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self.popen = popen
        self.listening: dict[str, Any] = json.loads(popen.stderr.readline())
        self.url: str = self.listening["url"]
        self._lines: list[bytes] = []
        self._reader = threading.Thread(target=self._lines.extend, args=(popen.stderr,))
        self._reader.start()

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        self.popen.terminate()
        return self.popen.wait(60)

    def end(self) -> None:
        """SIGKILL, and read to the end what it said, before its pipe is closed."""
        self.popen.kill()
        self._reader.join(60)

    def text(self) -> str:
        """What was written to standard error; waits for the end of the process."""
        self._reader.join(60)
        return b"".join(self._lines).decode()

    def log(self) -> list[dict[str, Any]]:
        """What was logged, line by line."""
        return [json.loads(line) for line in self.text().splitlines()]


@contextmanager
def started(
    home: Path, *flags: str, prefix: Sequence[str] = (), **environment: str
) -> Iterator[Process]:
    """A server with warnings as errors, on a free port, without a worker.

    `prefix` is what the command is begun by.
    """
    command = [
        *prefix,
        sys.executable,
        "-W",
        "error",
        "-m",
        "tests.app.serving",
        f"home={home}",
        "port=0",
    ]
    environment = {"MOLT_WORKER__START": "false"} | environment
    with subprocess.Popen(
        [*command, *flags], cwd=ROOT, env=os.environ | environment, stderr=subprocess.PIPE
    ) as popen:
        try:
            process = Process(popen)
            try:
                yield process
            finally:
                process.end()
        finally:
            popen.kill()


def main() -> None:
    flags = dict(argument.split("=", 1) for argument in sys.argv[1:])
    serve(load_settings(**flags), open_engine=open_engine)


if __name__ == "__main__":
    main()
