"""A server whose disk gets full: `python -m tests.faults.filling FOLDER CHECKPOINT`.

In a mount namespace of its own (`unshare --mount`), where a file system of memory is mounted in
FOLDER. Again and again it leaves the disk a few more bytes, so that another write is the one that
fails, asks for documents to be kept, and gives the disk its room back. Prints a line of JSON on
each, `{}` where nothing can be mounted.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.server import ServerProcess, make_home

SOON = 30.0
MIB = 2**20
LEFT = (*range(0, 112, 16), 160)
"""KiB that are left to a write of documents and all that follows from it."""
MODES = ("dense", "lexical", "hybrid")
WHY = {"dense": "is not being indexed: ", "lexical": "is not being indexed by its words: "}
"""What each index says of itself that cannot be written."""


@dataclass(frozen=True)
class Filled:
    """What became of one write, and of searches; `lost` counts acknowledged documents not found."""

    left: int
    status: int
    lost_while_full: int
    lost: int
    problems: tuple[str, ...]
    problems_after: tuple[str, ...]


class Filling:
    """A home on a disk that can be filled, and its server."""

    def __init__(self, folder: Path, checkpoint: Path) -> None:
        self.disk = folder / "disk"
        self.disk.mkdir()
        mounted = ["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", str(self.disk)]
        subprocess.run(mounted, check=True, capture_output=True)
        self.server = ServerProcess(make_home(self.disk / "home", checkpoint))
        self.server.log = folder / "server.log"
        self.server.environment["MOLT_INDEX__POLL_SECONDS"] = "0.05"
        self._kept: set[str] = set()
        self._sent = 0

    def put(self) -> int:
        """The status of twenty new documents."""
        numbers = range(self._sent, self._sent + 20)
        self._sent += 20
        documents = [{"id": f"d{n}", "text": f"boots {n} " + "x" * 300} for n in numbers]
        body = {"documents": documents, "wait": False}
        status, _ = self.server.ask("POST", "/collections/shop/documents", body)
        if status == 200:
            self._kept |= {one["id"] for one in documents}
        return status

    def lost(self, kept: set[str] | None = None) -> int:
        """Of those kept, how many one of the searches does not find; all where it is no answer."""
        wanted = self._kept if kept is None else kept
        return max(len(wanted - self._found(mode)) for mode in MODES)

    def _found(self, mode: str) -> set[str]:
        body = {"query": "boots", "collection": "shop", "k": 1000, "mode": mode}
        status, answer = self.server.ask("POST", "/search", body)
        return {hit["id"] for hit in answer["hits"]} if status == 200 else set()

    def _told(self) -> bool:
        """Of either index, whether it has all that is kept or says why not."""
        problems = self.problems()
        unfound = [mode for mode in WHY if self._kept - self._found(mode)]
        return all(any(WHY[mode] in problem for problem in problems) for mode in unfound)

    def problems(self) -> tuple[str, ...]:
        return tuple(self.server.ask("GET", "/readyz")[1]["problems"])

    def filled(self, left: int) -> Filled:
        before = self._kept.copy()
        room = os.statvfs(self.disk)
        self._resize((room.f_blocks - room.f_bfree) * room.f_bsize + left * 1024)
        status = self.put()
        _wait(self._told, seconds=5.0)
        lost, problems = self.lost(before), self.problems()
        self._resize(200 * MIB)
        _wait(lambda: not self.lost() and not self.problems(), seconds=SOON)
        return Filled(left, status, lost, self.lost(), problems, self.problems())

    def _resize(self, size: int) -> None:
        command = ["mount", "-o", f"remount,size={size}", str(self.disk)]
        subprocess.run(command, check=True)


def _wait(condition: Any, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)


def main() -> None:
    with suppress(subprocess.CalledProcessError):
        filling = Filling(*map(Path, sys.argv[1:]))
        with filling.server as server:
            assert server.ask("POST", "/collections", {"name": "shop"})[0] == 201
            filling.put()
            _wait(lambda: not filling.lost(), seconds=SOON)
            for left in LEFT:
                sys.stdout.write(json.dumps(asdict(filling.filled(left))) + "\n")
            assert server.stop() == 0
        return
    sys.stdout.write("{}\n")


if __name__ == "__main__":
    main()
