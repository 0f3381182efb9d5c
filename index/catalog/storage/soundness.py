"""Soundness: what SQLite itself finds wrong with a file of its own.

Makes no file and upgrades none. Never quotes what a row holds.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from molt.index.catalog.storage.permission import hindrance
from molt.index.catalog.storage.wal import wal_flaw
from molt.index.errors import CatalogReadOnlyError

_MOST = 100
_SECONDS = 30.0
_NONE = ("SQLITE_NOTADB", "SQLITE_CORRUPT")


def is_sqlite(path: Path) -> bool:
    """Does SQLite take a file for a database of its own, by its first page?

    Only SQLite may look: to open and close the file otherwise would release every lock that this
    process has on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        with closing(_connected(path, seconds=1.0)) as connection:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.Error as error:
        return not _code(error).startswith(_NONE)
    except UnicodeDecodeError:  # of a schema that is no text any more, which the driver would quote
        return False
    return True


def sqlite_flaws(path: Path) -> list[str]:
    """Every page, index and foreign key of a database, checked by SQLite; none where all is well.

    Others may read and write it meanwhile. Raises `CatalogReadOnlyError` where SQLite would have to
    write beside it, and may not.
    """
    if not path.stat().st_size:
        return ["is empty, 0 bytes where a database was"]
    lost = wal_flaw(path)  # before SQLite looks, which would take the log in and remove it
    if lost is not None:
        return [lost]
    if not is_sqlite(path):
        return ["is not an SQLite database, or its first page is damaged"]
    try:
        with closing(_connected(path, seconds=_SECONDS)) as connection:
            found = connection.execute(f"PRAGMA integrity_check({_MOST})").fetchall()
            broken = connection.execute("PRAGMA foreign_key_check").fetchmany(_MOST)
    except sqlite3.Error as error:
        name = _code(error)
        if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
            why = hindrance(path) or f"cannot be opened ({name})"
            raise CatalogReadOnlyError(f"{path} {why}") from None
        return [f"cannot be read by SQLite ({name})"]
    except UnicodeDecodeError:
        return ["cannot be read by SQLite (its schema is no text any more)"]
    lines = [str(line) for (line,) in found if line != "ok"]
    return lines + [f"a row of {row[0]} points at no row of {row[2]}" for row in broken]


def _connected(path: Path, *, seconds: float) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=rw"  # never made where it is gone meanwhile
    return sqlite3.connect(address, uri=True, timeout=seconds)


def _code(error: sqlite3.Error) -> str:
    return str(getattr(error, "sqlite_errorname", "unknown"))
