"""Servers under measurement: real processes on loopback, started, awaited and stopped.

Knows how Molt, Infinity and the other peers are started. Puts no load on them.
"""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

START_TIMEOUT = 600.0
STOP_TIMEOUT = 30.0


class ServerError(Exception):
    """A server did not come up; the message names its log."""


@dataclass(frozen=True)
class Memory:
    """Bytes of a server and its children: resident, and the share that no other process has."""

    resident: int
    unique: int


@dataclass(frozen=True)
class Server:
    """A running server; `seconds_to_ready` from spawn to the first 200 of its readiness route."""

    name: str
    port: int
    pid: int
    seconds_to_ready: float

    @property
    def processes(self) -> list[psutil.Process]:
        """The server's process and all below it."""
        process = psutil.Process(self.pid)
        return [process, *process.children(recursive=True)]

    def memory(self) -> Memory:
        """What the server occupies now; file pages it has mapped count as resident."""
        full = [process.memory_full_info() for process in self.processes]
        return Memory(sum(part.rss for part in full), sum(part.uss for part in full))

    def cpu_seconds(self) -> float:
        """CPU time that the server has used so far."""
        times = [process.cpu_times() for process in self.processes]
        return sum(part.user + part.system for part in times)


@contextmanager
def molt(
    home: Path,
    *,
    runtime: str = "auto",
    worker: bool = False,
    watch_seconds: float = 120.0,
    source: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Serve `home`, with a worker beside it or not; ready when `/readyz` answers 200.

    With `source` by the modules in that directory instead of the installed ones. `settings` are
    further variables of the environment.
    """
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command, environment = command_of(source)
    command += ["serve", "--home", str(home), "--port", str(port)]
    quiet = environment | {
        "MOLT_LOG__LEVEL": "warning",
        "MOLT_ENCODER__RUNTIME": runtime,
        "MOLT_WORKER__START": str(worker).lower(),
        "MOLT_WATCH__SECONDS": str(watch_seconds),
        **(settings or {}),
    }
    with _running("molt", command, port=port, ready="/readyz", env=quiet, log=home) as server:
        yield server


@contextmanager
def infinity(venv: Path, model: Path, *, scratch: Path) -> Iterator[Server]:
    """Serve `model` (a sentence-transformers directory) by Infinity's torch engine, offline."""
    port = free_port()
    command = [str(venv / "bin" / "infinity_emb"), "v2", "--model-id", str(model)]
    command += ["--served-model-name", "default", "--engine", "torch", "--device", "cpu"]
    command += ["--no-bettertransformer", "--url-prefix", "/v1", "--log-level", "error"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    quiet = {"INFINITY_ANONYMOUS_USAGE_STATS": "0", "DO_NOT_TRACK": "1"}
    with _running(
        "infinity", command, port=port, ready="/v1/models", env=quiet, log=scratch
    ) as server:
        yield server


@contextmanager
def forty_lines(folder: Path) -> Iterator[Server]:
    """Serve `folder` by the peer of `benchmarks.forty_lines`, without a log of requests."""
    quiet = {"FORTY_LINES": str(folder)}
    with _uvicorn(sys.executable, "benchmarks.forty_lines:app", folder, quiet) as server:
        yield server


@contextmanager
def hybrid_lines(folder: Path) -> Iterator[Server]:
    """Serve `folder` by the peer of `benchmarks.hybrid_lines`, without a log of requests."""
    quiet = {"HYBRID_LINES": str(folder)}
    with _uvicorn(sys.executable, "benchmarks.hybrid_lines:app", folder, quiet) as server:
        yield server


@contextmanager
def txtai(venv: Path, folder: Path) -> Iterator[Server]:
    """Serve the index in `folder` (`benchmarks.txtai_peer`) by txtai's own service."""
    quiet = {
        "TXTAI_PEER": str(folder),
        "CONFIG": str(folder / "txtai.yml"),
        "ALLOW_RESOLVE_TRANSFORM": "True",
        "PYTHONPATH": str(Path(__file__).parent.parent),
    }
    program = str(venv / "bin" / "python")
    with _uvicorn(program, "txtai.api:app", folder, quiet, ready="/count") as server:
        yield server


@contextmanager
def _uvicorn(
    program: str, app: str, folder: Path, env: Mapping[str, str], *, ready: str = "/readyz"
) -> Iterator[Server]:
    port = free_port()
    command = [program, "-m", "uvicorn", app, "--no-access-log"]
    command += ["--port", str(port), "--log-level", "warning"]
    name = app.split(":", maxsplit=1)[0].rsplit(".", maxsplit=1)[-1].replace("_", "-")
    with _running(name, command, port=port, ready=ready, env=env, log=folder) as server:
        yield server


def command_of(source: Path | None) -> tuple[list[str], dict[str, str]]:
    """The command `molt` and its environment; with `source`, of the modules in there."""
    here = {} if source is None else {"PYTHONPATH": str(source)}
    return [sys.executable, "-P", "-m", "molt"], {**os.environ, **here}


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(
    name: str,
    command: Sequence[str],
    *,
    port: int,
    ready: str,
    env: Mapping[str, str],
    log: Path,
) -> Iterator[Server]:
    log_file = log / f"{name}.log"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", **env}
    with log_file.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            _wait(process, port=port, path=ready, log=log_file)
            yield Server(name, port, process.pid, time.perf_counter() - started)
        finally:
            _stop(process)


def _wait(process: subprocess.Popen[bytes], *, port: int, path: str, log: Path) -> None:
    deadline = time.perf_counter() + START_TIMEOUT
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            raise ServerError(f"the server ended with status {process.returncode}: see {log}")
        if _status(port, path) == 200:
            return
        time.sleep(0.01)
    raise ServerError(f"{path} did not answer 200 within {START_TIMEOUT:g} s: see {log}")


def _status(port: int, path: str) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
