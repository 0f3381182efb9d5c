"""Restoring a whole home: from one backup into an empty directory, and whole or not at all.

Everything is verified on its way into a hidden directory inside the home, which may be a mount
point. Then it is moved to its place, the catalog last, without which a directory is no home.
"""

import re
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import rmtree

from molt.artifact import Home, exclusive, faultpoint, sync_directory, write_atomically
from molt.engine.backup.fetching import fetch_files
from molt.engine.backup.manifest import CATALOG, CONFIGURATION, TOPS, Backup
from molt.engine.backup.progress import OnFile, unreported
from molt.engine.backup.repository import Repository
from molt.engine.errors import BackupError
from molt.index.catalog.catalog import open_catalog, sqlite_url

_STAGING, _LOCK = ".restoring", ".restoring.lock"
_ELSEWHERE = re.compile(r"^(?=\s*(catalog_url|jobs_url)\s*=)", re.M)


def restore_home(
    repository: Repository, backup: Backup, home: Path, *, progress: OnFile = unreported
) -> None:
    """Restore a home into a directory that is absent or empty.

    Raises `BackupError` where it is neither, `CorruptFileError`, which names the object that was
    damaged, and what opening the catalog raises; then nothing is left.
    """
    if CATALOG not in backup.files:
        raise BackupError(f"backup {backup.id} holds no catalog; restore another one")
    with _staged(home) as staging:
        fetch_files(repository, backup.files, staging, progress=progress)
        with closing(open_catalog(sqlite_url(staging / CATALOG))):
            pass  # brought to the present schema, or refused as one of a newer Molt
        _name_no_database(staging / CONFIGURATION)
        faultpoint("restore.staged")
        _move_up(staging, home)


@contextmanager
def _staged(home: Path) -> Iterator[Path]:
    """A directory to fill inside the home; where the block raises, the home is as empty as before.

    Where the lock's file is there and no catalog, all else came from a restore that was killed.
    """
    new = not home.exists()
    if (home / CATALOG).exists() or not (home / _LOCK).exists():
        _refuse_unless_empty(home)
    Home(home).make()
    try:
        with exclusive(home / _LOCK):
            _refuse_catalog(home)  # of one that ended meanwhile
            try:
                yield _emptied(home)
            except BaseException:
                _emptied(home)
                raise
            finally:
                rmtree(home / _STAGING, ignore_errors=True)
                (home / _LOCK).unlink(missing_ok=True)
                if new and not any(home.iterdir()):
                    home.rmdir()
    except BlockingIOError:
        raise BackupError(f"another restore into {home} is at work; wait for its end") from None


def _emptied(home: Path) -> Path:
    """Remove what a restore has put into a home; the directory to fill."""
    for name in (_STAGING, *TOPS):
        path = home / name
        if path.is_dir():
            rmtree(path)
        elif name != CATALOG:  # it comes last, so it is a server's
            path.unlink(missing_ok=True)
    (home / _STAGING).mkdir()
    return home / _STAGING


def _refuse_unless_empty(home: Path) -> None:
    _refuse_catalog(home)
    if home.exists() and {entry.name for entry in home.iterdir()} - {"lost+found"}:
        raise BackupError(
            f"{home} is not empty; name an empty directory, or a new one, with --home"
        )


def _refuse_catalog(home: Path) -> None:
    if (home / CATALOG).exists():
        raise BackupError(
            f"{home} is a home already, and a restore would replace it: name an empty directory "
            "with --home, or add one collection to it with --collection NAME --as NEW"
        )


def _move_up(staging: Path, home: Path) -> None:
    for name in TOPS:
        if name == CATALOG:
            sync_directory(home)
            faultpoint("restore.moved")
            (home / name).hardlink_to(staging / name)  # never over one that a server made meanwhile
        elif (staging / name).exists():
            (staging / name).rename(home / name)
    sync_directory(home)


def _name_no_database(configuration: Path) -> None:
    """Comment out where catalog and queue were: what is restored must not write to those."""
    if not configuration.exists():
        return
    text = configuration.read_text()
    commented = _ELSEWHERE.sub("# ", text)
    if _names_a_database(commented):
        commented = "".join(f"# {line}" for line in text.splitlines(keepends=True))
    write_atomically(configuration, commented.encode())


def _names_a_database(text: str) -> bool:
    try:
        return bool({"catalog_url", "jobs_url"} & tomllib.loads(text).keys())
    except tomllib.TOMLDecodeError:
        return True
