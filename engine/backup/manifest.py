"""The manifest of a backup: which files a home consisted of, and what was wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from molt.artifact import CorruptFileError, FileEntry, Home, read_manifest, write_manifest
from molt.artifact.wording import plainly
from molt.engine.errors import BackupError

_FORMAT = 1
_LAYOUT = Home(Path())
CATALOG, CONFIGURATION = str(_LAYOUT.catalog), str(_LAYOUT.settings)
CHECKPOINTS, GENERATIONS = str(_LAYOUT.checkpoints), str(_LAYOUT.generations)
REPORTS = str(_LAYOUT.reports)
TOPS = (CHECKPOINTS, GENERATIONS, REPORTS, CONFIGURATION, CATALOG)
"""What lies in a home that is backed up. The catalog comes last: it makes a directory a home."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class BackedUpCollection:
    """A collection as it was: its active generation is complete up to `indexed_revision`.

    Its searches are re-ranked by the checkpoint `cross_encoder`, if by any.
    """

    name: str
    documents: int
    revision: int
    generation: str | None
    checkpoint: str | None
    indexed_revision: int
    cross_encoder: str | None = None

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """The checkpoints that it is served with."""
        return tuple(one for one in (self.checkpoint, self.cross_encoder) if one is not None)


@dataclass(frozen=True)
class Backup:
    """One backup: `files` by their path in the home; `problems` names what was damaged there."""

    id: str
    created_at: AwareDatetime
    version: str
    collections: tuple[BackedUpCollection, ...]
    files: Mapping[str, FileEntry]
    problems: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all its files; what it shares with others is stored once."""
        return sum(entry.size for entry in self.files.values())

    def collection(self, name: str) -> BackedUpCollection:
        """A collection by its name. Raises `BackupError`."""
        for each in self.collections:
            if each.name == name:
                return each
        there = ", ".join(each.name for each in self.collections) or "none"
        raise BackupError(f"backup {self.id} has no collection {name[:80]!r}; there are {there}")


_SCHEMA: TypeAdapter[Backup] = TypeAdapter(Backup)


def write_backup(path: Path, backup: Backup) -> None:
    """Write a manifest, durably and atomically."""
    write_manifest(path, {"format": _FORMAT, **_SCHEMA.dump_python(backup, mode="json")})


def read_backup(path: Path) -> Backup:
    """Read a manifest and check it.

    Raises `CorruptFileError`, and `UnsupportedFormatError` where a newer Molt wrote it.
    """
    body: dict[str, Any] = read_manifest(path, supported=_FORMAT)
    try:
        backup = _SCHEMA.validate_python(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise CorruptFileError(path, f"{where}: {plainly(first['msg'])}") from None
    for name, entry in backup.files.items():
        if not _belongs(name) or not _SHA256.fullmatch(entry.sha256):
            raise CorruptFileError(path, f"names a file {name[:200]!r}, which no home has")
    return backup


def _belongs(name: str) -> bool:
    """Would a file of this path stay inside the home, among what is backed up?"""
    path = PurePosixPath(name)
    plain = str(path) == name and not path.is_absolute() and "\0" not in name
    return plain and ".." not in path.parts and path.parts[0] in TOPS
