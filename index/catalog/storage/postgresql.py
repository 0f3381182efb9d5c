"""Connections to PostgreSQL: how they are opened, and how long they wait and work.

What its URL, its role or the server itself sets otherwise, stays. Knows no table.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import URL, Engine, event

from molt.index.errors import CatalogError

STATEMENT_SECONDS = 600
"""Nothing takes as long but a statement that hangs; a migration, which may, is not limited."""
IDLE_SECONDS = 300
"""A flip encodes up to 1024 documents within a transaction; a process that hangs holds a lock."""
_DRIVER = "psycopg"
_CONNECTING: Mapping[str, Any] = {
    "application_name": "molt",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
_LIMIT = """
SELECT set_config(name, CASE name
    WHEN 'lock_timeout' THEN %s
    WHEN 'statement_timeout' THEN %s
    ELSE %s
END, false)
FROM pg_settings
WHERE name IN ('lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout')
    AND source = 'default'
"""


def connect_arguments(url: URL) -> dict[str, Any]:
    """What a connection is opened with, where the URL does not say it.

    Raises `CatalogError` for a driver other than psycopg 3.
    """
    driver = url.get_driver_name()
    if driver != _DRIVER:
        raise CatalogError(
            f"PostgreSQL is reached through psycopg, not {driver}; let the URL begin with "
            "postgresql+psycopg://"
        )
    return {name: value for name, value in _CONNECTING.items() if name not in url.query}


def limit_sessions(engine: Engine, *, lock_seconds: float) -> None:
    """Let no new connection wait for a lock, run a statement or idle in a transaction for ever."""
    limits = [_milliseconds(lock_seconds), _milliseconds(STATEMENT_SECONDS)]
    limits.append(_milliseconds(IDLE_SECONDS))

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.execute(_LIMIT, limits)
        connection.commit()  # or the pool's rollback would undo it


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
