"""Permission: what keeps this process from writing where a database of SQLite's lies.

Looks at the file system alone, and only once SQLite has been refused.
"""

import os
import pwd
from pathlib import Path

_BESIDE = "SQLite writes beside a database even to read it"


def hindrance(path: Path) -> str | None:
    """What keeps SQLite from writing to the database at `path`, and what to do; None: nothing.

    The sentence goes on after the name of the database.
    """
    folder = path.parent
    try:
        places = [folder, *(place for place in _files(path) if place.exists())]
        if any(os.statvfs(place).f_flag & os.ST_RDONLY for place in places):
            return (
                f"is on a file system that is mounted read-only, and {_BESIDE}: mount it writable, "
                "or use a copy elsewhere"
            )
        barred = next((place for place in places if not _is_writable(place)), None)
        owner = None if barred is None else _name_of(barred.stat().st_uid)
    except OSError:
        return None
    if barred is None:
        return None
    return (
        f"cannot be opened by {_name_of(os.geteuid())}, who may not write to {barred}, and "
        f"{_BESIDE}: run as {owner}, who owns it, or allow this user to write there"
    )


def _files(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))]


def _is_writable(place: Path) -> bool:
    needed = os.W_OK | (os.X_OK if place.is_dir() else os.R_OK)
    return os.access(place, needed, effective_ids=os.access in os.supports_effective_ids)


def _name_of(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:  # as in a container
        return f"user {uid}"
