"""What waits: whether the queue holds anything for the worker, in one statement a look.

Knows of DBOS one table and two of its columns, so that whoever only waits does not load DBOS.
Makes no queue; one that nobody has made holds nothing.
"""

from collections.abc import Collection
from pathlib import Path

from sqlalchemy import bindparam, inspect, make_url, text

from molt.index.catalog.storage.refusals import translated
from molt.index.jobs.database import alone_with, create_jobs_engine
from molt.index.jobs.status import UNENDED

_TABLE = "workflow_status"
_SCHEMA = "dbos"
_GIVEN_UP = ("MAX_RECOVERY_ATTEMPTS_EXCEEDED",)


class WaitingJobs:
    """The queue at a URL, looked at from outside; used by one thread.

    What the database refuses is a `CatalogError`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = create_jobs_engine(url)
        is_sqlite = self._engine.dialect.name == "sqlite"
        self._schema = None if is_sqlite else _SCHEMA
        self._file = Path(str(make_url(url).database)) if is_sqlite else None
        self._made = False
        table = _TABLE if is_sqlite else f"{_SCHEMA}.{_TABLE}"
        look = f"SELECT 1 FROM {table} WHERE status IN :states LIMIT 1"  # noqa: S608  constants
        self._look = text(look).bindparams(bindparam("states", expanding=True))

    def any(self) -> bool:
        """Is there a job that waits, or that was begun and has not ended?"""
        return self._holds(UNENDED)

    def any_given_up(self) -> bool:
        """Is there a job that was begun too often, noted or not?"""
        return self._holds(_GIVEN_UP)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _holds(self, states: Collection[str]) -> bool:
        if not self._is_made():
            return False
        with translated(self._engine), self._engine.connect() as connection:
            return connection.scalar(self._look, {"states": list(states)}) is not None

    def _is_made(self) -> bool:
        """Nobody else makes it while this connects for the first time."""
        if self._file is not None and not self._file.exists():
            self._made = False
        elif not self._made:
            with (
                alone_with(self._url),
                translated(self._engine),
                self._engine.connect() as connection,
            ):
                self._made = inspect(connection).has_table(_TABLE, schema=self._schema)
        return self._made
