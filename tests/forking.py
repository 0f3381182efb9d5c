"""Processes that begin at once: forked off one that has imported already what they run.

To import what serves takes seconds of the processor, and tests of kills start hundreds of
processes. One that is forked off runs the same module from its first line, in a process of its own
with its own id, environment and standard streams; it may be killed, and is waited for as a child of
the tests. That an installed command starts, tests of that show, which start it by its name.

As a program, `python -m tests.forking DESCRIPTOR`, it is the process that others are forked off. It
ends with the tests.
"""

import ctypes
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.paths import ROOT

IMPORTED = (
    "alembic.command", "dbos", "faiss", "molt.app.application", "molt.app.server",
    "molt.cli.commands.worker", "molt.cli.main", "molt.engine.backup.adding",
    "molt.engine.backup.backup", "molt.engine.backup.restoring", "molt.index.files",
    "molt.worker.dispatcher", "molt.worker.worker", "onnxruntime", "polars", "psycopg",
    "sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.sqlite", "uvloop",
)  # fmt: skip
"""What servers, workers and commands import sooner or later."""
_LONGEST = 256 * 1024  # of a request, in bytes
_LOOK_SECONDS = 0.005
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2)


class ForkedProcess:
    """A child of this process; what tests want of `subprocess.Popen`, by the same names.

    `stdin` is the descriptor at which its standard input ends when it is closed.
    """

    def __init__(self, pid: int, stdin: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._stdin = stdin

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end_input()
        self.wait()

    def end_input(self) -> None:
        """Let its standard input end."""
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1

    def poll(self) -> int | None:
        """Its status, negative for a signal, or None while it lives."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
                self.end_input()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its status once it has ended. Raises `subprocess.TimeoutExpired` after `timeout` s."""
        until = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while (status := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(_LOOK_SECONDS)
        return status

    def terminate(self) -> None:
        """SIGTERM, unless it has ended."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def fork(
    module: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
) -> ForkedProcess:
    """Run `python -m module ARGUMENTS` in a session of its own; both outputs are descriptors.

    Where `PYTHONPATH` leads to a `sitecustomize`, that is run before.
    """
    request = {
        "module": module,
        "arguments": [str(each) for each in arguments],
        "environment": dict(os.environ if environment is None else environment),
        "folder": str(Path.cwd()),
    }
    theirs, ours = os.pipe()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    outputs = [nowhere if each == subprocess.DEVNULL else each for each in (stdout, stderr)]
    try:
        pid = _forker().fork(json.dumps(request).encode(), [theirs, *outputs])
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
        os.close(nowhere)
    return ForkedProcess(pid, ours)


class _Forker:
    """The process that others are forked off, and the way to ask it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            theirs.set_inheritable(True)
            command = [sys.executable, "-m", "tests.forking", str(theirs.fileno())]
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )

    def fork(self, request: bytes, descriptors: Sequence[int]) -> int:
        with self._lock, _adopting():
            socket.send_fds(self._channel, [request], descriptors)
            answer = self._channel.recv(64)
        assert answer, "the process that others are forked off has died"
        return int(answer)


@cache
def _forker() -> _Forker:
    return _Forker()


@contextmanager
def _adopting() -> Iterator[None]:
    """Be the parent of whatever loses its own within the block."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(_SUBREAPER, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        prctl(_SUBREAPER, 0, 0, 0, 0)


def main() -> None:
    """Fork until the channel ends; a process that was forked off leaves here as its module does."""
    for name in IMPORTED:
        import_module(name)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # polars took it
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        asked = _forked_off(channel)
    if asked is not None:
        _become(*asked)
        sys.argv = [asked[0]["module"], *asked[0]["arguments"]]
        runpy.run_module(asked[0]["module"], run_name="__main__", alter_sys=True)


def _forked_off(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """What a process that was forked off was asked for; None in the first one, at its end."""
    while True:
        request, descriptors, _, _ = socket.recv_fds(channel, _LONGEST, 3)
        if not request:
            return None
        told, tell = os.pipe()
        between = os.fork()
        if between == 0:  # whose child loses its parent at once, and is adopted by the tests
            parent, pid = os.getpid(), os.fork()
            if pid == 0:
                os.close(told)
                os.close(tell)
                while os.getppid() == parent:
                    time.sleep(0.001)
                return json.loads(request), descriptors
            os.write(tell, str(pid).encode())
            os._exit(0)
        os.waitpid(between, 0)
        channel.send(os.read(told, 64))
        for each in (told, tell, *descriptors):
            os.close(each)


def _become(request: dict[str, Any], descriptors: Sequence[int]) -> None:
    """Take on the streams, the environment and the place that were asked for."""
    os.setsid()
    os.chdir(request["folder"])
    for stream, descriptor in enumerate(descriptors):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ.clear()
    os.environ.update(request["environment"])
    added = [
        each
        for each in os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if each and each not in before
    ]
    sys.path[:0] = added
    for each in added:
        if (Path(each) / "sitecustomize.py").exists():
            runpy.run_path(str(Path(each) / "sitecustomize.py"))


if __name__ == "__main__":
    main()
