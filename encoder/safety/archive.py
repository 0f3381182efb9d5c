"""An archive: a directory that comes as one tar file, plain or gzip, and is unpacked without trust.

Only plain files come out of it, under the names and within the bytes that they may have. What they
hold is judged by whoever opens the directory.
"""

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from molt.encoder.errors import ArchiveTooLargeError, InvalidArchiveError

MOST_MEMBERS = 256

_GZIP = b"\x1f\x8b"
_END = bytes(tarfile.BLOCKSIZE)
_HEADER_BYTES = 64 * 1024  # tarfile reads what a header announces at once, and nests as deep
_PIECE = 1024 * 1024
_LONGEST_NAME = 512
_LONGEST_PART = 255
_DEEPEST = 8
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)


def unpack(archive: Path, folder: Path, *, limit: int) -> Path:
    """Unpack into `folder`, which must not exist, and return where the content lies.

    That is `folder` itself, or the one directory that everything in the archive is in. Raises
    `InvalidArchiveError`, and `ArchiveTooLargeError` beyond `limit` bytes of content; part of it
    may then be in `folder`.
    """
    folder.mkdir()
    with archive.open("rb") as file, _explained():
        _unpack(_Source(_plain(file)), folder, limit=limit)
    entries = list(folder.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else folder


class _Source:
    """A stream that only goes forward, of which no more can be read than was allowed last."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._position = 0
        self._end = 0
        self.last = b""

    def allow(self, size: int) -> None:
        self._end = self._position + size

    def read(self, size: int) -> bytes:
        if not 0 <= size <= self._end - self._position:
            raise InvalidArchiveError("the archive has a header of impossible size")
        self.last = self._stream.read(size)
        self._position += len(self.last)
        return self.last

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        self.read(position - self._position)


def _plain(file: BinaryIO) -> BinaryIO:
    compressed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    return cast("BinaryIO", gzip.GzipFile(fileobj=file)) if compressed else file


@contextmanager
def _explained() -> Iterator[None]:
    """Say `InvalidArchiveError` for whatever the libraries raise about what they read."""
    try:
        yield
    except EOFError:
        raise InvalidArchiveError("the archive ends early or is damaged; send it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InvalidArchiveError(f"the archive is damaged ({error}); send it again") from None
    except tarfile.ReadError:
        raise InvalidArchiveError(
            "this is no tar archive, plain or gzip, or it is damaged; "
            "make one with `tar -czf FILE -C DIRECTORY .`"
        ) from None
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise InvalidArchiveError(f"the archive has a wrong header ({error})") from None


def _unpack(source: _Source, folder: Path, *, limit: int) -> None:
    left = limit
    for number, member in enumerate(_members(source)):
        if number == MOST_MEMBERS:
            raise InvalidArchiveError(f"the archive has more than {MOST_MEMBERS} entries")
        parts = _parts(member)
        if member.isdir():
            continue
        if member.type not in _FILES or member.issparse():
            raise _refused(member, "is no plain file (links and sparse files are not taken)")
        if not 0 <= member.size <= left:
            raise ArchiveTooLargeError(f"the archive unpacks to more than {limit} bytes")
        left -= member.size
        _write(source, member, folder.joinpath(*parts))


def _members(source: _Source) -> Iterator[tarfile.TarInfo]:
    source.allow(_HEADER_BYTES)
    with tarfile.open(fileobj=cast("BinaryIO", source), mode="r:", encoding="utf-8") as archive:
        while (member := archive.next()) is not None:
            yield member
            source.allow(_HEADER_BYTES)
    if source.last != _END:  # tarfile takes a header that it cannot read for the end
        raise EOFError


def _parts(member: tarfile.TarInfo) -> list[str]:
    """The name, step by step. Raises `InvalidArchiveError` where it leads out or is odd."""
    name = member.name
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts:
        raise _refused(member, "leads out of the directory")
    longest = max((len(part.encode("utf-8", "replace")) for part in parts), default=0)
    if len(name) > _LONGEST_NAME or longest > _LONGEST_PART or len(parts) > _DEEPEST:
        raise _refused(member, "has too long a name")
    if not name.isprintable() or "\\" in name:
        raise _refused(member, "has characters in its name that none should have")
    if not parts and not member.isdir():
        raise _refused(member, "has no name")
    return parts


def _write(source: _Source, member: tarfile.TarInfo, path: Path) -> None:
    source.allow(member.size)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            for at in range(0, member.size, _PIECE):
                size = min(_PIECE, member.size - at)
                content = source.read(size)
                if len(content) < size:
                    raise EOFError
                file.write(content)
    except (FileExistsError, NotADirectoryError):
        raise _refused(member, "is in the archive twice") from None


def _refused(member: tarfile.TarInfo, reason: str) -> InvalidArchiveError:
    shown = ascii(member.name[:100])
    return InvalidArchiveError(f"{shown} {reason}; pack the files themselves and nothing else")
