"""One file of an artifact: its size and SHA-256, measured and checked."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from molt.artifact.errors import CorruptFileError


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


def verify_file(path: Path, expected: FileEntry) -> None:
    """Raise `CorruptFileError` unless `path` holds exactly what `expected` says."""
    if not path.is_file():
        raise CorruptFileError(path, "the file is missing")
    size = path.stat().st_size
    if size != expected.size:
        raise CorruptFileError(path, f"has {size} bytes where {expected.size} were written")
    if hash_file(path).sha256 != expected.sha256:
        raise CorruptFileError(path, "its SHA-256 differs from the recorded one")
