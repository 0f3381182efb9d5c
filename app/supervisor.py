"""The supervisor: keeps a worker process alive beside the server, and ends it with the server.

Knows how to start one and nothing of what it does.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog

from molt.engine.settings import Settings

log = structlog.get_logger(__name__)

_LONGEST_PAUSE = 60.0
_HEALTHY_SECONDS = 60.0
_STOP_SECONDS = 10.0
_LOOK_SECONDS = 0.5


class Supervisor:
    """One child process, started again when it dies, at growing intervals while it dies at once."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = command
        self._environment = os.environ | (environment or {})
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the child, and keep it."""
        self._thread.start()

    def close(self) -> None:
        """End the child: what it was at is gone on with when it is started again."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        pause = 1.0
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                status = str(self._run_once())
            except OSError as error:  # no memory for another process, say: there may be later
                status = str(error)
            if self._stopping.is_set():
                return
            lived = time.monotonic() - began
            pause = 1.0 if lived > _HEALTHY_SECONDS else min(2 * pause, _LONGEST_PAUSE)
            log.warning("worker.died", status=status, seconds=round(lived, 1), again_in=pause)
            self._stopping.wait(pause)

    def _run_once(self) -> int:
        """Run the child until it dies or shall; its status.

        In a process group of its own, so that Ctrl-C is for whoever waits here, who ends it.
        """
        with subprocess.Popen(  # noqa: S603  our own command
            self._command, stdin=subprocess.PIPE, env=self._environment, process_group=0
        ) as child:
            while child.poll() is None and not self._stopping.wait(_LOOK_SECONDS):
                continue
            if child.poll() is None:
                _end(child)
        return child.returncode


def _end(child: "subprocess.Popen[bytes]") -> None:
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()


@contextmanager
def supervised_worker(
    settings: Settings, *, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A worker for the home, where the settings want one, for as long as the block lasts.

    It reads the settings as this process did; `environment` sets some over them.
    """
    if not settings.worker.start:
        yield
        return
    command = (sys.executable, "-m", "molt", "worker", "--home", str(settings.home), "--supervised")
    supervisor = Supervisor(command, environment=environment)
    supervisor.start()
    try:
        yield
    finally:
        supervisor.close()
