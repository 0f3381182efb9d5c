"""The write-ahead log beside an SQLite file: is a frame of it damaged?

SQLite ends its log at the first frame whose checksum is wrong, and says nothing: it takes that for
one that was being written when power was lost. What was acknowledged after it is gone then. So
whoever is the first to open a file looks here before. Told as damage is only what no loss of power
leaves behind: a frame that later ones are built upon, or one that differs by a single bit.
"""

from pathlib import Path

HEADER = 32
"""Bytes of a log before its first frame."""


def wal_path(database: Path) -> Path:
    """Where the log of a database is; nothing need be there."""
    return database.with_name(f"{database.name}-wal")


def wal_flaw(database: Path) -> str | None:
    """What is wrong with the log of a database, or None. Others may write it meanwhile."""
    found = _flaw(wal_path(database))
    if found is not None and _flaw(wal_path(database)) != found:
        return None  # somebody was just writing it
    return found


def _flaw(path: Path) -> str | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None  # none is left, or it cannot be read by this user, which SQLite will tell
    if len(content) <= HEADER:
        return None
    from molt.index.catalog.storage.frames import read_log  # noqa: PLC0415  with numpy

    log = read_log(content)
    if log is None:
        return "its write-ahead log has a damaged head, so that all it holds would be dropped"
    number = log.broken_frame()
    if number is None:
        return None
    return (
        f"its write-ahead log is damaged in frame {number} of {log.frames}, so that what was "
        "written last would be dropped"
    )
