"""Text: the bytes of a file as UTF-8, whatever encoding it was saved in.

A byte-order mark is believed, then the option, then UTF-8 where the file begins with nothing else;
another encoding is guessed only where several lines speak for it, and the guess is told.
"""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from molt.index.files.compression import open_bytes
from molt.index.files.errors import SourceError
from molt.index.files.options import ReadOptions
from molt.index.files.progress import ReadProgress

UTF8 = "utf-8"
_HEAD_BYTES = 8 * 2**20
_CHUNK_BYTES = 2**16
_EVIDENCE_BYTES = 2**16
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = "cp1252"
_LIKELY = [_WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "koi8_r"]
_LIKELY += ["cp932", "euc_jp", "gb18030", "big5", "euc_kr"]
_NOT_DECODED = re.compile(r"[\udc80-\udcff]")
_UNREADABLE = "\udcff"
_HINT = "pass --encoding, as in --encoding cp1252, or save the file as UTF-8"


@contextmanager
def open_utf8(path: Path, progress: ReadProgress, options: ReadOptions) -> Iterator[BinaryIO]:
    """Open a file as bytes of UTF-8, without a byte-order mark.

    What its encoding does not have comes out as a byte that is not UTF-8, so that the row can be
    named. Raises `SourceError` as `open_bytes` does, and for an encoding that there is not.
    """
    encoding = find_encoding(path, options)
    with open_bytes(path, progress) as raw:
        if encoding == UTF8:
            yield _without_mark(raw)
        else:
            yield cast("BinaryIO", io.BufferedReader(_Recoded(raw, encoding), _CHUNK_BYTES))


def find_encoding(path: Path, options: ReadOptions) -> str:
    """The encoding of a text file, guessed and told where need be. Raises `SourceError`."""
    with open_bytes(path, ReadProgress()) as file:
        head = file.read(_HEAD_BYTES)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if options.encoding is not None:
        return _checked(path, options.encoding)
    guess = _wide(head) or _guess(head)
    if guess is None:
        return UTF8
    options.tell(f"{path}: is not UTF-8; it is read as {guess}. If letters are wrong, {_HINT}")
    return guess


def not_decoded(text: str, encoding: str, *, where: str) -> str | None:
    """Why a text that `open_utf8` gave is none, or None where it is one."""
    found = _NOT_DECODED.search(text)
    if found is None:
        return None
    if encoding == UTF8:
        byte = ord(found[0]) - 0xDC00
        return f"is not UTF-8: {where} has the byte 0x{byte:02X} at {found.start() + 1}; {_HINT}"
    return f"is not {encoding}: {where} has bytes that it lacks; pass the right --encoding"


def _without_mark(raw: BinaryIO) -> BinaryIO:
    file = io.BufferedReader(cast("io.RawIOBase", raw), _CHUNK_BYTES)
    if file.peek(3)[:3] == codecs.BOM_UTF8:
        file.read(3)
    return cast("BinaryIO", file)


def _checked(path: Path, encoding: str) -> str:
    try:
        found = codecs.lookup(encoding)
    except (LookupError, ValueError):
        found = None
    if found is None or not found._is_text_encoding:  # noqa: SLF001
        raise SourceError(
            path,
            f"there is no encoding {encoding[:40]}; pass one as --encoding cp1252, latin-1, "
            "utf-16 or shift_jis",
        )
    return found.name


def _wide(head: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of most texts is zero."""
    even, odd = head[0:4096:2], head[1:4096:2]
    if len(odd) < 8 or max(even.count(0), odd.count(0)) < 0.4 * len(odd):
        return None
    if min(even.count(0), odd.count(0)) > 0.05 * len(odd):
        return None
    return "utf-16-le" if odd.count(0) > even.count(0) else "utf-16-be"


def _guess(head: bytes) -> str | None:
    """Another encoding than UTF-8 where most lines that are not ASCII, and more than one, are
    not UTF-8, or no line after the first is.
    """
    try:
        codecs.getincrementaldecoder(UTF8)().decode(head)
    except UnicodeDecodeError:
        lines = head.split(b"\n")[: -1 if len(head) == _HEAD_BYTES else None]
    else:
        return None
    odd = [line for line in lines if not line.isascii()]
    wrong = [line for line in odd if not _is_utf8(line)]
    filled = sum(1 for line in lines[1:] if line.strip())
    if len(wrong) >= 0.9 * len(odd) and (len(wrong) > 1 or filled <= 1):
        return _most_likely(b"\n".join(wrong)[:_EVIDENCE_BYTES])
    return None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _most_likely(evidence: bytes) -> str | None:
    from charset_normalizer import from_bytes  # noqa: PLC0415  only few files need it

    matches = from_bytes(evidence, cp_isolation=_LIKELY, threshold=0.5)
    found = {match.encoding: match for match in matches}
    best = next(iter(found.values()), None)
    western = _decoded(evidence, _WESTERN)
    if best is None:
        return None if western is None else _WESTERN
    # The code pages of Europe differ in few letters; the one that most files are in goes first.
    same = found.get(_WESTERN)
    as_good = same is not None and (same.chaos, -same.coherence) <= (best.chaos, -best.coherence)
    if western is not None and (as_good or western == _decoded(evidence, best.encoding)):
        return _WESTERN
    return best.encoding


def _decoded(evidence: bytes, encoding: str) -> str | None:
    try:
        return evidence.decode(encoding)
    except UnicodeDecodeError:
        return None


def _mark_unreadable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return _UNREADABLE, error.end


codecs.register_error("molt.mark", _mark_unreadable)


class _Recoded(io.RawIOBase):
    """A file in another encoding, as the bytes of UTF-8."""

    def __init__(self, raw: BinaryIO, encoding: str) -> None:
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder(encoding)("molt.mark")
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._ready and not self._ended:
            chunk = self._raw.read(_CHUNK_BYTES)
            self._ended = not chunk
            text = self._decoder.decode(chunk, final=self._ended)
            self._ready = text.encode(UTF8, "surrogateescape")
        taken, self._ready = self._ready[: len(view)], self._ready[len(view) :]
        view[: len(taken)] = taken
        return len(taken)
