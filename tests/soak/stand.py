"""The stand: the home that a soak damages, the server over it, and what both need.

As root the home has a small file system of its own, which can be filled up.
"""

import contextlib
import http.client
import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from molt.artifact.faultpoint import ARMED, FIRED
from molt.encoder import CheckpointStore, Encoder, open_encoder
from tests.checkpoints import build_checkpoint
from tests.server import MOLT, InstalledServer, ServerProcess, make_home
from tests.soak.answers import Pairs
from tests.soak.crowd import COLLECTION, DOCUMENTS, WORDS
from tests.soak.oracle import Oracle

_DISK = "192m"
_KEPT = 150
LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
)


@dataclass
class Stand:
    """What every episode is about; `missing` are ingredients that this machine cannot have."""

    folder: Path
    home: Path
    server: ServerProcess
    checkpoints: tuple[str, str]
    pairs: Pairs
    oracle: Oracle = field(default_factory=Oracle)
    missing: tuple[str, ...] = ()
    damaged: list[Path] = field(default_factory=list)
    judged: set[str] = field(default_factory=set)
    """Jobs that have ended, and been looked at."""

    def environment(self, **more: str) -> None:
        """What the next start sees of the environment, beside what it always sees."""
        self.server.environment = _environment() | more

    def arm(self, point: str, action: str) -> None:
        """Let the next start have a faultpoint armed."""
        fired = self.folder / "fired"
        shutil.rmtree(fired, ignore_errors=True)
        fired.mkdir()
        self.environment(**{ARMED: f"{point}={action}", FIRED: str(fired)})

    def has_fired(self, point: str) -> bool:
        """Has the point that was armed last done what it was armed to?"""
        return (self.folder / "fired" / point).exists()

    @property
    def lives(self) -> bool:
        """Is the server's process there?"""
        try:
            return psutil.Process(self.server.pid).status() != psutil.STATUS_ZOMBIE
        except (AssertionError, psutil.NoSuchProcess):
            return False

    def worker(self) -> psutil.Process | None:
        """The worker that the server started."""
        with contextlib.suppress(AssertionError, psutil.NoSuchProcess):
            for child in psutil.Process(self.server.pid).children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    if "worker" in child.cmdline():
                        return child
        return None

    def swap(self) -> bool:
        """Ask for a re-indexing under the other checkpoint; was it taken, as far as one knows?"""
        with contextlib.suppress(OSError, http.client.HTTPException):
            serving = self.server.ask("GET", f"/collections/{COLLECTION}")[1].get("checkpoint")
            other = next(one for one in self.checkpoints if one != serving)
            body = {"collection": COLLECTION, "checkpoint": other}
            return self.server.ask("POST", "/admin/reload", body)[0] == 202
        return False

    def check(self) -> tuple[int, list[dict[str, str]]]:
        """`molt check`: its status, and the problems that are damage."""
        done = subprocess.run(
            [str(MOLT), "--home", str(self.home), "--json", "check"],
            capture_output=True,
            text=True,
            check=False,
            env=_environment(),
        )
        try:
            problems = json.loads(done.stdout)["problems"]
        except ValueError:
            problems = [{"severity": "damage", "path": "", "problem": done.stderr[-1000:]}]
        return done.returncode, [one for one in problems if one["severity"] == "damage"]


def waited(true: Callable[[], bool], seconds: float = 90.0) -> bool:
    """Did it become true in that time?"""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def faketime() -> str | None:
    """Where libfaketime is, if it is installed."""
    return next((path for path in LIBRARIES if Path(path).exists()), None)


@contextmanager
def prepared(folder: Path, seed: int) -> Iterator[Stand]:
    """A stand with a collection that holds documents which nobody changes, and a server."""
    missing = [] if faketime() else ["libfaketime is not installed: no clock jumps"]
    with _disk(folder / "home") as own:
        if not own:
            missing.append("no file system could be mounted: a disk is full at faultpoints alone")
        a = build_checkpoint(folder / "made", seed=1)
        b = build_checkpoint(folder / "made", seed=2)
        home = make_home(folder / "home", a.path)
        shutil.copytree(b.path, home / "checkpoints" / b.id)
        texts = _texts(seed)
        with contextlib.ExitStack() as opened:
            encoders = {
                one.id: opened.enter_context(closing(_encoder(folder, one.id))) for one in (a, b)
            }
            server = InstalledServer(home)
            server.environment = _environment()
            pairs = Pairs(home, encoders, texts)
            opened.callback(server.kill)
            stand = Stand(folder, home, server, (a.id, b.id), pairs, missing=tuple(missing))
            _fill(stand, texts)
            yield stand


def _encoder(folder: Path, checkpoint_id: str) -> Encoder:
    checkpoint = CheckpointStore(folder / "made").open(checkpoint_id)
    return open_encoder(checkpoint, cache=folder / "cache", threads=1)


def _environment() -> dict[str, str]:
    settings = {
        "HF_HUB_OFFLINE": "1",
        "MOLT_WORKER__START": "true",
        "MOLT_WORKER__NICENESS": "0",
        "MOLT_WATCH__SECONDS": "0",
        "MOLT_INDEX__POLL_SECONDS": "0.1",
        "MOLT_INDEX__BATCH_DOCUMENTS": "64",
    }
    return os.environ | settings


def _texts(seed: int) -> dict[str, str]:
    chance = random.Random(f"{seed}: kept")
    return {f"kept-{n}": " ".join(chance.choices(WORDS, k=3)) for n in range(_KEPT)}


def _fill(stand: Stand, texts: dict[str, str]) -> None:
    server = stand.server
    server.start()
    assert server.ask("POST", "/collections", {"name": COLLECTION})[0] == 201
    documents = [{"id": doc_id, "text": text} for doc_id, text in texts.items()]
    stand.oracle.ask(texts)
    body: dict[str, Any] = {"documents": documents, "wait": True}
    assert server.ask("POST", DOCUMENTS, body)[0] == 200
    stand.oracle.acknowledge(texts)


@contextmanager
def _disk(place: Path) -> Iterator[bool]:
    """A file system of its own at `place`, where this user may mount one; False where not."""
    place.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=700", "molt-soak", str(place)]
    try:
        own = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        own = False
    try:
        yield own
    finally:
        if own:
            subprocess.run(["umount", "--lazy", str(place)], check=False)
