"""The right to seal segments in one home: an advisory file lock that dies with its process."""

import fcntl
import threading
from pathlib import Path
from typing import IO


class IndexerLock:
    """Held by at most one process of a home; any of its threads may ask for it."""

    def __init__(self, home: Path) -> None:
        self._path = home / "indexer.lock"
        self._file: IO[bytes] | None = None
        self._guard = threading.Lock()

    def acquire(self) -> bool:
        """Take it unless another process has it."""
        with self._guard:
            if self._file is not None:
                return True
            file = self._path.open("ab")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            self._file = file
            return True

    def release(self) -> None:
        """Give it back."""
        with self._guard:
            if self._file is not None:
                self._file.close()
                self._file = None
