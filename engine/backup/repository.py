"""The repository of backups: a directory of objects, and a manifest for each finished backup.

Whatever ends a backup leaves the earlier ones as they were. Knows nothing of homes.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from molt.artifact import CorruptFileError, exclusive, sweep_hidden, sync_directory
from molt.engine.backup.manifest import Backup, read_backup, write_backup
from molt.engine.backup.objects import Objects
from molt.engine.errors import BackupError

_OBJECTS, _BACKUPS, _LOCK = "objects", "backups", "backup.lock"
_ID = re.compile(r"\d{8}T\d{6}-\d{6}")


def backup_id(created_at: datetime) -> str:
    """The id of the backup that was begun then; ids sort as their moments do."""
    return f"{created_at:%Y%m%dT%H%M%S-%f}"


class Repository:
    """Backups under `root`. One process at a time writes there; restoring needs no lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects = Objects(root / _OBJECTS)
        self._backups = root / _BACKUPS

    def ids(self) -> list[str]:
        """The ids of all backups, oldest first. Raises `BackupError` for another directory."""
        if not self._backups.is_dir():
            raise BackupError(f"{self.root} holds no backups; `molt backup {self.root}` makes one")
        names = (entry.stem for entry in self._backups.glob("*.json"))
        return sorted(name for name in names if _ID.fullmatch(name))

    def read(self, wanted: str) -> Backup:
        """One backup by its id. Raises `BackupError`, and what reading a manifest raises."""
        if wanted not in self.ids():
            raise BackupError(
                f"there is no backup {wanted[:80]!r} in {self.root}; `molt backups {self.root}` "
                "lists them"
            )
        path = self._manifest(wanted)
        backup = read_backup(path)
        if backup.id != wanted:
            raise CorruptFileError(path, f"is the manifest of {backup.id}, not of its name")
        return backup

    def newest(self) -> Backup:
        """Raises as `ids` and `read` do, and `BackupError` where no backup was ever finished."""
        ids = self.ids()
        if not ids:
            raise BackupError(f"no backup in {self.root} was ever finished; make one first")
        return self.read(ids[-1])

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Become the only process that writes here, and remove what a crash left half written.

        Raises `BackupError` where another one does, or where the directory is somebody else's.
        """
        self._claim()
        try:
            with exclusive(self.root / _LOCK):
                self._backups.mkdir(exist_ok=True)
                sweep_hidden(self._backups)
                self.objects.prepare()
                sync_directory(self.root)
                yield
        except BlockingIOError:
            raise BackupError(
                f"another backup is being written to {self.root}; wait until it has ended"
            ) from None

    def publish(self, backup: Backup) -> None:
        """Write the manifest of a backup whose objects are here; from now on it is one."""
        self.objects.settle(backup.files.values())
        write_backup(self._manifest(backup.id), backup)

    def prune(self, *, keep: int) -> list[str]:
        """Remove all but the newest backups, and objects that those do not need; returns their ids.

        For whoever is writing here. Raises as `read` does, and then has removed nothing.
        """
        ids = self.ids()
        removed, kept = ids[:-keep], [self.read(one) for one in ids[-keep:]]
        for one in removed:
            self._manifest(one).unlink()
        sync_directory(self._backups)
        self.objects.discard(keeping=(each for one in kept for each in one.files.values()))
        return removed

    def _claim(self) -> None:
        known = {_OBJECTS, _BACKUPS, _LOCK, "lost+found"}
        there = {entry.name for entry in self.root.iterdir()} if self.root.exists() else set()
        if there - known and not self._backups.is_dir():
            raise BackupError(
                f"{self.root} is no repository of backups and is not empty; name another directory"
            )
        self.root.mkdir(parents=True, exist_ok=True)

    def _manifest(self, named: str) -> Path:
        return self._backups / f"{named}.json"
