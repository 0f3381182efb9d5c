"""Occupancy: which processes read a generation, and which one writes it.

Advisory file locks in the generation's directory: they end with their process, however it ends.
A hold is given back when nobody refers to it any more, so an object that uses a generation keeps
its hold for as long as it lives.
"""

import fcntl
import os
import time
import weakref
from pathlib import Path

from molt.index.errors import GenerationBusyError, GenerationNotFoundError

READERS = "readers.lock"
WRITER = "writer.lock"

_PAUSE = 0.05


class Hold:
    """A lock on a generation."""

    def __init__(self, descriptor: int) -> None:
        self._end = weakref.finalize(self, os.close, descriptor)

    def release(self) -> None:
        """Give it back now."""
        self._end()


def hold_reading(generation: Path) -> Hold | None:
    """Keep the generation at this path from being removed; None where no lock can be had there.

    Raises `GenerationNotFoundError` where it has gone.
    """
    try:
        return _locked(generation / READERS, fcntl.LOCK_SH)
    except OSError:  # a replica that may only read, or a full disk: it can be read all the same
        return None


def hold_writing(generation: Path, *, patience: float = 0.0) -> Hold:
    """Become its only writer. Raises `GenerationBusyError` after `patience` seconds of waiting.

    Raises `GenerationNotFoundError` where it has gone, perhaps meanwhile.
    """
    return _waited(generation / WRITER, patience, f"generation {generation.name} is being written")


def hold_removing(generation: Path) -> Hold:
    """Become its only user. Raises as `hold_writing`, where anybody reads it."""
    return _waited(generation / READERS, 0.0, f"generation {generation.name} is being read")


def _waited(path: Path, patience: float, taken: str) -> Hold:
    until = time.monotonic() + patience
    while True:
        try:
            return _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise GenerationBusyError(f"{taken} by another; try again later") from None
        time.sleep(_PAUSE)


def _locked(path: Path, operation: int) -> Hold:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except FileNotFoundError:
        raise _gone(path) from None
    try:
        fcntl.flock(descriptor, operation)
    except BaseException:
        os.close(descriptor)
        raise
    hold = Hold(descriptor)
    if not _lies_at(path, descriptor):  # whoever had the lock has removed the generation
        hold.release()
        raise _gone(path)
    return hold


def _lies_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _gone(path: Path) -> GenerationNotFoundError:
    return GenerationNotFoundError(f"generation {path.parent.name} has been removed")
