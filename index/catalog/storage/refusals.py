"""Refusals: what a database does not do, as errors that say what to do about it.

Knows the codes of SQLite and of PostgreSQL, and no table.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, exc
from sqlalchemy.pool import QueuePool

from molt.index.catalog.storage.permission import hindrance
from molt.index.errors import (
    CatalogBusyError,
    CatalogError,
    CatalogFullError,
    CatalogReadOnlyError,
)

BUSY_SECONDS = 30
LOCKED = (
    f"has been locked by another writer for {BUSY_SECONDS} seconds; try again, and look for a "
    "process that hangs in a transaction"
)
_BUSY = (CatalogBusyError, LOCKED)
_FULL = (CatalogFullError, "has no disk space left; free some and try again")
_CROSSED = (CatalogBusyError, "was wanted by another transaction at the same moment; try again")
_DAMAGED = (CatalogError, "is damaged; restore it from a backup")
_STOPPED = (
    "stopped a statement that ran too long or was cancelled; try again, or raise "
    "statement_timeout where it is too short for so large a catalog"
)
_HUNG = (
    "ended a transaction in which this process did nothing for too long, and kept nothing of it; "
    "try again"
)
_MESSAGES: dict[str | None, tuple[type[CatalogError], str]] = {
    "SQLITE_BUSY": _BUSY,
    "SQLITE_LOCKED": _BUSY,
    "SQLITE_FULL": _FULL,
    "SQLITE_NOTADB": (CatalogError, "is not an SQLite database; `molt check` says what to do"),
    "SQLITE_CORRUPT": _DAMAGED,
    "SQLITE_CANTOPEN": (
        CatalogError,
        "cannot be opened: see that its directory exists and that it is a file",
    ),
    "SQLITE_READONLY": (
        CatalogReadOnlyError,
        "can only be read just now; where it was moved or replaced, start this program again",
    ),
    "55P03": _BUSY,
    "40P01": _CROSSED,
    "40001": _CROSSED,
    "53100": _FULL,
    "57014": (CatalogError, _STOPPED),
    "25P03": (CatalogError, _HUNG),
    "25006": (CatalogReadOnlyError, "is read-only, as a standby is; name the primary in its URL"),
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}
_BARRED = ("SQLITE_CANTOPEN", "SQLITE_READONLY")
_UNREACHABLE = ("08", "53", "57P")  # connection lost, too many of them, shutting or starting


@contextmanager
def translated(engine: Engine) -> Iterator[None]:
    """Raise `CatalogError`, which says what to do, for what the database itself refuses."""
    try:
        yield
    except exc.DBAPIError as error:
        if _quotes(error):
            raise CatalogError(f"{shown(engine.url)} {_DAMAGED[1]}") from None
        raise _translate(error, engine) from error
    except UnicodeDecodeError:  # of a name in the schema, or of an error that quotes one
        raise CatalogError(f"{shown(engine.url)} {_DAMAGED[1]}") from None
    except exc.TimeoutError as error:
        raise CatalogBusyError(
            f"all {_connections(engine)} connections to {shown(engine.url)} are at work; try again"
        ) from error


def shown(url: URL) -> str:
    """A database's URL for people: without a password, and without options that may hold one."""
    return url.set(query={}).render_as_string(hide_password=True)


def _translate(error: exc.DBAPIError, engine: Engine) -> CatalogError | exc.DBAPIError:
    where = shown(engine.url)
    code = _code(error)
    if code in _BARRED and (why := hindrance(Path(str(engine.url.database)))) is not None:
        return CatalogReadOnlyError(f"{where} {why}")
    if code in _MESSAGES:
        kind, message = _MESSAGES[code]
        return kind(f"{where} {message}")
    reason = " ".join(str(error.orig).split())
    if code == "42501":
        return CatalogError(f"{where}: {reason}; grant this role the right, or name another")
    if error.connection_invalidated or _is_unreachable(error, code):
        return CatalogError(f"{where} cannot be reached: {reason}")
    return error


def _quotes(error: exc.DBAPIError) -> bool:
    """Does Python's driver tell that a text is no UTF-8 any more, and quote it?"""
    return str(error.orig).startswith("Could not decode to UTF-8")


def _is_unreachable(error: exc.DBAPIError, code: str | None) -> bool:
    if code is not None:
        return code.startswith(_UNREACHABLE)
    return isinstance(error, exc.OperationalError | exc.InterfaceError)


def _code(error: exc.DBAPIError) -> str | None:
    name = getattr(error.orig, "sqlite_errorname", None)
    if name is not None:  # extended names add a third word: SQLITE_BUSY_SNAPSHOT
        return "_".join(str(name).split("_")[:2])
    state = getattr(error.orig, "sqlstate", None)
    return None if state is None else str(state)


def _connections(engine: Engine) -> int:
    pool = engine.pool
    return pool.size() + pool._max_overflow if isinstance(pool, QueuePool) else 1  # noqa: SLF001
