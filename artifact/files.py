"""What stands for content: a file's size and SHA-256, measured and checked, and a text's hash."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from molt.artifact.errors import CorruptFileError

_BLOCK = 2**20


@dataclass(frozen=True)
class FileEntry:
    """What a manifest says of one file: `size` in bytes, `sha256` as 64 hex digits."""

    size: int
    sha256: str


def hash_file(path: Path) -> FileEntry:
    """Measure a file. Raises `OSError` where it cannot be read."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return FileEntry(size=file.tell(), sha256=digest.hexdigest())


def copy_file(source: Path, target: Path) -> FileEntry:
    """Copy a file to `target`, which must not exist, durably; what was copied is measured.

    Raises `CorruptFileError` where the source is missing or the disk fails to read it.
    """
    digest = hashlib.sha256()
    try:
        with source.open("rb") as reader, target.open("xb") as writer:
            while block := _read(reader, source):
                digest.update(block)
                writer.write(block)
            writer.flush()
            os.fsync(writer.fileno())
            return FileEntry(size=writer.tell(), sha256=digest.hexdigest())
    except FileNotFoundError as error:
        if error.filename != str(source):
            raise
        raise CorruptFileError(source, "the file is missing") from None


def _read(reader: BinaryIO, path: Path) -> bytes:
    with reading(path):
        return reader.read(_BLOCK)


def verify_file(path: Path, expected: FileEntry) -> None:
    """Raise `CorruptFileError` unless `path` holds exactly what `expected` says."""
    if not path.is_file():
        raise CorruptFileError(path, "the file is missing")
    size = path.stat().st_size
    if size != expected.size:
        raise CorruptFileError(path, f"has {size} bytes where {expected.size} were written")
    with reading(path):
        found = hash_file(path)
    if found.sha256 != expected.sha256:
        raise CorruptFileError(path, "its SHA-256 differs from the recorded one")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise `CorruptFileError` where the disk fails to give what it holds of `path`."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        raise CorruptFileError(path, "the disk fails to read it") from error


def text_hash(text: str) -> bytes:
    """16 bytes that stand for a text, lone surrogates included (BLAKE2b)."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
