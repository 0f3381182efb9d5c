"""Occupancy: which processes read a generation, and which one writes it.

Advisory file locks in the generation's directory: they end with their process, however it ends.
A lock is given back when nobody refers to it any more, so an object that uses a generation keeps
its lock for as long as it lives.
"""

from pathlib import Path

from molt.artifact import FileLock, lock_file, share_file
from molt.index.errors import GenerationBusyError, GenerationNotFoundError

READERS_LOCK = "readers.lock"
WRITER_LOCK = "writer.lock"


def hold_reading(generation: Path) -> FileLock | None:
    """Keep the generation at this path from being removed; None where no lock can be had there.

    Raises `GenerationNotFoundError` where it has gone.
    """
    try:
        return _present(generation / READERS_LOCK, share_file(generation / READERS_LOCK))
    except FileNotFoundError:
        raise _gone(generation / READERS_LOCK) from None
    except OSError:  # a replica that may only read, or a full disk: it can be read all the same
        return None


def hold_writing(generation: Path, *, patience: float = 0.0) -> FileLock:
    """Become its only writer. Raises `GenerationBusyError` after `patience` seconds of waiting.

    Raises `GenerationNotFoundError` where it has gone, perhaps meanwhile.
    """
    return _alone(
        generation / WRITER_LOCK, patience, f"generation {generation.name} is being written"
    )


def hold_removing(generation: Path) -> FileLock:
    """Become its only user. Raises as `hold_writing`, where anybody reads it."""
    return _alone(generation / READERS_LOCK, 0.0, f"generation {generation.name} is being read")


def _alone(path: Path, patience: float, taken: str) -> FileLock:
    try:
        return _present(path, lock_file(path, patience=patience))
    except BlockingIOError:
        raise GenerationBusyError(f"{taken} by another; try again later") from None
    except FileNotFoundError:
        raise _gone(path) from None


def _present(path: Path, lock: FileLock) -> FileLock:
    """The lock, unless whoever had it before has removed the generation."""
    if not lock.lies_at(path):
        lock.release()
        raise _gone(path)
    return lock


def _gone(path: Path) -> GenerationNotFoundError:
    return GenerationNotFoundError(f"generation {path.parent.name} has been removed")
