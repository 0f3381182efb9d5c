"""The objects of a repository: files without names, each known by its SHA-256 and kept once.

An object is there whole or not at all, and is never changed. Knows nothing of backups.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from molt.artifact import (
    CorruptFileError,
    FileEntry,
    copy_file,
    faultpoint,
    hash_file,
    sync_directory,
    verify_file,
)

_SCRATCH = ".scratch"


class Objects:
    """Objects under `root`. Reading needs no lock; one process at a time adds or removes some.

    `copied` counts the bytes that were added since `prepare`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.scratch = root / _SCRATCH
        self.copied = 0

    def prepare(self) -> None:
        """Make the directories, and remove what a crash left half written."""
        self.root.mkdir(parents=True, exist_ok=True)
        rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        self.copied = 0

    def keep(self, source: Path, expected: FileEntry | None = None) -> FileEntry:
        """Copy a file here unless its object is there already; what it is.

        Raises `CorruptFileError` where it is missing, or is not what was `expected`.
        """
        if expected is not None and self._holds(expected):
            return expected
        half = self.scratch / uuid4().hex
        try:
            found = copy_file(source, half)
            if expected not in {None, found}:
                raise CorruptFileError(source, "its size or SHA-256 differs from the recorded one")
            self._store(half, found)
        finally:
            half.unlink(missing_ok=True)
        return found

    def adopt(self, made: Path) -> FileEntry:
        """Move a finished file of the scratch directory here; what it is."""
        descriptor = os.open(made, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        found = hash_file(made)
        self._store(made, found)
        made.unlink(missing_ok=True)
        return found

    def settle(self, entries: Iterable[FileEntry]) -> None:
        """Make durable that these objects are there. Raises `CorruptFileError` for a lost one."""
        folders = set()
        for entry in entries:
            stored = self._path(entry)
            if not stored.is_file():
                raise CorruptFileError(stored, "the object was removed while it was needed")
            folders.add(stored.parent)
        for folder in (*sorted(folders), self.root):
            sync_directory(folder)

    def fetch(self, path: str, entry: FileEntry, target: Path) -> None:
        """Copy the object of the file `path` to `target`, durably.

        Raises `CorruptFileError`, which names both, where it is not what was kept.
        """
        stored = self._path(entry)
        try:
            found = copy_file(stored, target)
        except CorruptFileError as error:
            raise CorruptFileError(stored, f"{error.reason} (it is {path})") from None
        if found != entry:
            raise CorruptFileError(stored, f"the object was damaged (it is {path})")

    def verify(self, path: str, entry: FileEntry) -> None:
        """Read and hash the object of the file `path`; raises as `fetch` does."""
        stored = self._path(entry)
        try:
            verify_file(stored, entry)
        except CorruptFileError as error:
            raise CorruptFileError(stored, f"{error.reason} (it is {path})") from None

    def discard(self, *, keeping: Iterable[FileEntry]) -> None:
        """Remove every other object."""
        needed = {entry.sha256 for entry in keeping}
        for stored in self.root.glob("??/*"):
            if stored.name not in needed:
                stored.unlink()

    def _store(self, half: Path, entry: FileEntry) -> None:
        if self._holds(entry):
            return
        target = self._path(entry)
        target.parent.mkdir(exist_ok=True)
        half.rename(target)
        self.copied += entry.size
        faultpoint("backup.object")

    def _holds(self, entry: FileEntry) -> bool:
        """Is its object there, as far as its size tells?"""
        try:
            return self._path(entry).stat().st_size == entry.size
        except FileNotFoundError:
            return False

    def _path(self, entry: FileEntry) -> Path:
        return self.root / entry.sha256[:2] / entry.sha256
