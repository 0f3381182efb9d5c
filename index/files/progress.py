"""Progress: how many bytes of a source have been read, for whoever draws a bar."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


class Progress:
    """Counts the bytes of the files as they lie on disk, compressed or not."""

    def __init__(self) -> None:
        self._finished = 0
        self._current: Callable[[], int] = _nothing

    @property
    def position(self) -> int:
        """Bytes read so far, over all files that were opened."""
        return self._finished + self._current()

    @contextmanager
    def watching(self, path: Path, position: Callable[[], int]) -> Iterator[None]:
        """Count a file while it is read; `position` says how far the reader is."""
        self._current = position
        try:
            yield
        finally:
            self._current = _nothing
            self._finished += path.stat().st_size

    @contextmanager
    def opening(self, path: Path) -> Iterator[BinaryIO]:
        """Open a file for reading and count it."""
        with path.open("rb") as file, self.watching(path, file.tell):
            yield file


def _nothing() -> int:
    return 0
