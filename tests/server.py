"""A real `molt serve` process, started, waited for, killed and started again by tests.

So that tests of many starts need not import all that serves each time, it is forked off a process
that has (`tests/forking.py`); an `InstalledServer` is started by its name.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Self

import psutil

from molt.encoder import open_checkpoint, open_encoder
from molt.engine.settings import load_settings
from molt.index.catalog.catalog import open_catalog
from tests.forking import ForkedProcess, fork

MOLT = Path(sys.executable).with_name("molt")
START_SECONDS = 60.0


class ServerProcess:
    """`molt serve` over one home on a free port of the loopback address."""

    def __init__(self, home: Path, *options: str, ready: bool = True) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._arguments = ["serve", "--home", str(home), "--port", str(self.port), *options]
        self.environment = os.environ | {"HF_HUB_OFFLINE": "1", "MOLT_WORKER__START": "false"}
        self._ready = ready
        self._process: subprocess.Popen[bytes] | ForkedProcess | None = None
        self.log = home / "server.log"

    def __enter__(self) -> Self:
        self.spawn()
        if self._ready:
            self.wait_for("/readyz")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it is ready, or fail with its log."""
        self.spawn()
        self.wait_for("/readyz")

    def spawn(self) -> None:
        """Start it without waiting."""
        with self.log.open("ab") as log:
            self._process = self._begun(log.fileno())

    def _begun(self, log: int) -> subprocess.Popen[bytes] | ForkedProcess:
        return fork("molt", *self._arguments, environment=self.environment, stdout=log, stderr=log)

    def kill(self) -> None:
        """SIGKILL the server and everything that it started."""
        if self._process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):  # it may have died by itself
                server = psutil.Process(self._process.pid)
                for process in (*server.children(recursive=True), server):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        assert self._process is not None
        self._process.terminate()
        status = self._process.wait(timeout=START_SECONDS)
        self._process = None
        return status

    def wait_for(self, path: str, *, status: int = 200) -> dict[str, Any]:
        """Ask `path` until it answers with `status`; fail with the log where the server died."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self.ask("GET", path)
            except OSError:
                answer = None
            if answer is not None and answer[0] == status:
                return answer[1]
            if self._process is None or self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"{path} never answered {status}:\n{self.log.read_text()[-4000:]}")

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        timeout: float = 60.0,
    ) -> tuple[int, dict[str, Any]]:
        """One request with a JSON body; returns the status and the JSON answer."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path,
            data=content,
            method=method,
            headers={"Content-Type": "application/json"} | (headers or {}),
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _json(error.read())


class InstalledServer(ServerProcess):
    """The command as it is installed: where its start is the point, or what it imports."""

    def _begun(self, log: int) -> subprocess.Popen[bytes] | ForkedProcess:
        return subprocess.Popen(
            [MOLT, *self._arguments],
            stdout=log,
            stderr=log,
            env=self.environment,
            start_new_session=True,
        )


def molt(
    *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own until it ends."""
    given = [str(each) for each in arguments]
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        outputs = {"stdout": stdout.fileno(), "stderr": stderr.fileno()}
        with fork("molt", *given, environment=environment, **outputs) as process:
            status = process.wait()
        said = []
        for each in (stdout, stderr):
            each.seek(0)
            said.append(each.read().decode())
    return subprocess.CompletedProcess(["molt", *given], status, *said)


def free_port() -> int:
    """A port of the loopback address that nobody listens on.

    It is none of those that the system gives away by itself (on Linux from 32768 on), so that
    nobody is given it before the server listens, or between its death and its next start.
    """
    while True:
        port = secrets.choice(range(20_000, 32_768))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def make_home(home: Path, checkpoint: Path) -> Path:
    """A home whose default checkpoint is a copy of `checkpoint`, which has been tried already.

    What was found of it lies beside it, for all homes that are made of it.
    """
    found = checkpoint.with_name(".tried")
    if not found.exists():
        open_encoder(open_checkpoint(checkpoint), cache=found).close()
    shutil.copytree(found, home / "cache")
    shutil.copytree(checkpoint, home / "checkpoints" / checkpoint.name)
    with closing(open_catalog(load_settings(home=home).catalog)) as catalog:
        catalog.aliases.set("default", checkpoint.name)
    return home


def _json(content: bytes) -> dict[str, Any]:
    parsed = json.loads(content) if content else {}
    return parsed if isinstance(parsed, dict) else {"body": parsed}
