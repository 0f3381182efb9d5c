"""The supervisor: keeps a worker process alive beside the server, and ends it with the server.

Knows how to start one and nothing of what it does.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial

import structlog

from molt.artifact import Home, exclusive, reason_of, write_atomically
from molt.engine.settings import Settings

log = structlog.get_logger(__name__)

_LONGEST_PAUSE = 60.0
_HEALTHY_SECONDS = 60.0
_STOP_SECONDS = 10.0
_LOOK_SECONDS = 0.5
_FORGIVEN = 1
"""So many deaths in a row are told in the log alone."""


class Supervisor:
    """One child process, started again when it dies, at growing intervals while it dies at once.

    `on_change` is called with what it dies of, and with None as soon as it lives.
    """

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None
    ) -> None:
        self.on_change: Callable[[str | None], None] = _untold
        self._told: str | None = ""
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
        pause, deaths = 1.0, 0
        self._tell(None)
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                status = str(self._run_once())
            except Exception as error:  # noqa: BLE001  there may be memory for another later, say
                status = reason_of(error)
            if self._stopping.is_set():
                break
            lived = time.monotonic() - began
            healthy = lived > _HEALTHY_SECONDS
            pause, deaths = (1.0, 1) if healthy else (min(2 * pause, _LONGEST_PAUSE), deaths + 1)
            log.warning("worker.died", status=status, seconds=round(lived, 1), again_in=pause)
            if deaths > _FORGIVEN:
                self._tell(
                    f"the worker has died {deaths} times in a row, so no job is done (the last "
                    f"status: {status}); its log says why"
                )
            self._stopping.wait(pause)
        self._tell(None)

    def _tell(self, problem: str | None) -> None:
        if problem != self._told:
            self._told = problem
            self.on_change(problem)

    def _run_once(self) -> int:
        """Run the child until it dies or shall; its status.

        In a process group of its own, so that Ctrl-C is for whoever waits here, who ends it.
        """
        with subprocess.Popen(  # noqa: S603  our own command
            self._command, stdin=subprocess.PIPE, env=self._environment, process_group=0
        ) as child:
            began = time.monotonic()
            while child.poll() is None and not self._stopping.wait(_LOOK_SECONDS):
                if time.monotonic() - began > _HEALTHY_SECONDS:
                    self._tell(None)
            if child.poll() is None:
                _end(child)
        return child.returncode


def _untold(problem: str | None) -> None:
    """What becomes of a death that nobody asks for."""


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
    supervisor.on_change = partial(_tell_home, settings.layout)
    supervisor.start()
    try:
        yield
    finally:
        supervisor.close()


def _tell_home(home: Home, problem: str | None) -> None:
    """Tell every process of the home, as far as the disk lets us.

    Where another worker has the home, jobs are done, whatever ours dies of.
    """
    with suppress(OSError):
        if problem is None:
            home.worker_deaths.unlink(missing_ok=True)
            return
        with suppress(BlockingIOError), exclusive(home.worker_lock):
            write_atomically(home.worker_deaths, problem.encode())
