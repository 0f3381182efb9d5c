"""The bytes of a file, decompressed where its name or its first bytes say so."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from backports import zstd

from molt.index.files.errors import SourceError
from molt.index.files.progress import ReadProgress


@dataclass(frozen=True)
class Packing:
    """A way to compress a file: what it begins with, and what opens it."""

    magic: bytes
    open: Callable[[BinaryIO], AbstractContextManager[object]]


PACKINGS = {
    ".gz": Packing(b"\x1f\x8b", lambda raw: gzip.GzipFile(fileobj=raw)),
    ".zst": Packing(b"\x28\xb5\x2f\xfd", zstd.ZstdFile),
    ".bz2": Packing(b"BZh", bz2.BZ2File),
    ".xz": Packing(b"\xfd7zXZ\x00", lzma.LZMAFile),
}
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError, lzma.LZMAError)


@contextmanager
def open_bytes(path: Path, progress: ReadProgress) -> Iterator[BinaryIO]:
    """Open a file, through what it is compressed with, and count what is read.

    Raises `SourceError` where it cannot be read, is cut off, or is not compressed as its name says.
    """
    try:
        with progress.opening(path) as raw:
            packing = _packing(path, raw)
            if packing is None:
                yield raw
            else:
                with packing.open(raw) as unpacked:
                    yield cast("BinaryIO", unpacked)
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    except OSError as error:
        if error.errno is None:
            raise _damaged(path, error) from error
        raise SourceError(path, f"cannot be read: {error.strerror or error}") from error


def bare_suffix(path: Path) -> str:
    """The end of a name that tells the format, in small letters, without that of a compression."""
    plain = path.with_suffix("") if is_packed(path) else path
    return plain.suffix.lower()


def is_packed(path: Path) -> bool:
    """Does the name say that the file is compressed?"""
    return path.suffix.lower() in PACKINGS


def _packing(path: Path, raw: BinaryIO) -> Packing | None:
    head = raw.read(8)
    raw.seek(0)
    begun = (packing for packing in PACKINGS.values() if head.startswith(packing.magic))
    named, found = PACKINGS.get(path.suffix.lower()), next(begun, None)
    if named is not None and named is not found and head:
        raise SourceError(
            path,
            f"is not compressed as its name says: name it without {path.suffix}, or get it again",
        )
    return found


def _damaged(path: Path, error: Exception) -> SourceError:
    said = str(error).rstrip(".")
    return SourceError(path, f"the compressed file is damaged or cut off; get it again ({said})")
