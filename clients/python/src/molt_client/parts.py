"""Documents without end in parts of a size, each of them lines of JSON."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from molt_client.shapes import Document, Written

PART_BYTES = 4 * 2**20
PART_DOCUMENTS = 2000


@dataclass(frozen=True)
class Progress:
    """How far an upload is: what was acknowledged so far."""

    documents: int
    bytes: int


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Part:
    """Some documents as lines; `last` where none come after them."""

    lines: bytes
    documents: int
    last: bool


def parts(documents: Iterable[Document]) -> Iterator[Part]:
    """Parts of at most PART_DOCUMENTS documents, and PART_BYTES unless a single one has more.

    Raises `ValueError` and `TypeError` at a document that is none of JSON's.
    """
    lines: list[bytes] = []
    size = 0
    for document in documents:
        line = _line(document)
        if lines and (size + len(line) > PART_BYTES or len(lines) == PART_DOCUMENTS):
            yield Part(b"".join(lines), len(lines), last=False)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield Part(b"".join(lines), len(lines), last=True)


def _line(document: Document) -> bytes:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


class Upload:
    """What was acknowledged of an upload, part by part."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self._documents = self._bytes = 0
        self._last: Written | None = None

    def note(self, part: Part, written: Written) -> None:
        """A part was acknowledged."""
        self._documents += written["accepted"]
        self._bytes += len(part.lines)
        self._last = written
        if self._on_progress is not None:
            self._on_progress(Progress(self._documents, self._bytes))

    @property
    def written(self) -> Written:
        """All of it, as one answer; where there was no document nothing is accepted."""
        if self._last is None:
            return {"accepted": 0, "revision": 0, "indexed": True}
        return {**self._last, "accepted": self._documents}
