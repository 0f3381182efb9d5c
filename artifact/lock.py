"""A lock on a file, between processes: advisory, and it ends with its process."""

import fcntl
import math
import os
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE = 0.05
SILENCE_SECONDS = 120.0
"""Who holds a lock at which it gives signs of life, and has given none for so long, hangs."""
FOR_EVER = math.inf


class FileLock:
    """A lock that is held until it is released, or until nobody refers to it any more."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._end = weakref.finalize(self, os.close, descriptor)

    def release(self) -> None:
        """Give it back now."""
        self._end()

    def lies_at(self, path: Path) -> bool:
        """Is the locked file still the one at `path`?"""
        try:
            return os.path.samestat(path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False


def lock_file(path: Path, *, patience: float = 0.0) -> FileLock:
    """Lock the file at `path`, which is made if need be and stays, against everybody else.

    Raises `BlockingIOError` where another has held it for `patience` seconds.
    """
    until = time.monotonic() + patience
    while True:
        try:
            return _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise
        time.sleep(_PAUSE)


def share_file(path: Path) -> FileLock:
    """Lock the file at `path` together with others that share it; waits for who has it alone."""
    return _locked(path, fcntl.LOCK_SH)


@contextmanager
def exclusive(path: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock of a file for as long as the block lasts. Raises as `lock_file`."""
    lock = lock_file(path, patience=patience)
    try:
        yield
    finally:
        lock.release()


def _locked(path: Path, operation: int) -> FileLock:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, operation)
    except BaseException:
        os.close(descriptor)
        raise
    return FileLock(descriptor)
