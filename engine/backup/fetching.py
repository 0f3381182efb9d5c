"""Fetching: files of a backup into a directory, each verified on its way."""

from collections.abc import Mapping
from pathlib import Path

from molt.artifact import FileEntry, sync_directory
from molt.engine.backup.progress import OnFile, counting, unreported
from molt.engine.backup.repository import Repository


def fetch_files(
    repository: Repository,
    files: Mapping[str, FileEntry],
    folder: Path,
    *,
    progress: OnFile = unreported,
) -> None:
    """Copy files, by their paths below `folder`, durably.

    Raises `CorruptFileError`, which names the object that is not what was backed up.
    """
    told = counting(progress, "bytes", sum(entry.size for entry in files.values()))
    for path, entry in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        repository.objects.fetch(path, entry, target)
        told(entry.size)
    for inner in (folder, *folder.rglob("*/")):
        sync_directory(inner)
