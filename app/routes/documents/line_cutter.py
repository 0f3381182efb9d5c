"""The line cutter: lines out of pieces as they come, each with its number."""

from codecs import BOM_UTF8
from collections.abc import Iterator


class LineCutter:
    """Cuts what arrives into lines; a line in however many pieces is put together once."""

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._ended = 0
        self.held = 0

    @property
    def are_over(self) -> bool:
        """Has the last line more bytes than it may?"""
        return self.held > self._limit

    def whole(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """The lines that end in a chunk, without their ends, and the blank ones."""
        if not self.held and chunk.isspace():  # as many as there are bytes, perhaps
            self._ended += chunk.count(b"\n")
            return
        first, *others = chunk.split(b"\n")
        self._add(first)
        if not others:
            return
        *between, last = others
        ended = self._taken()
        self._add(last)
        for line in (ended, *between):
            self._ended += 1
            if not _is_blank(line):
                yield self._ended, line

    def rest(self) -> Iterator[tuple[int, bytes]]:
        """The last line, where it has no end; one beyond the limit is cut after it."""
        line = self._taken()[: self._limit + 1]
        if not _is_blank(line):
            yield self._ended + 1, line

    def _add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self.held += len(piece)

    def _taken(self) -> bytes:
        line, self._pieces, self.held = b"".join(self._pieces), [], 0
        return line


def _is_blank(line: bytes) -> bool:
    return not line or line.isspace() or not line.removeprefix(BOM_UTF8).strip()
