"""Empty databases: a new SQLite catalog or queue is given the tables that the first one was given.

Thousands of tests open one, and migrations take a tenth of a second each time. What is not new is
migrated as ever; a test that is about migrations asks for `migrating`.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from molt.artifact import exclusive
from molt.artifact.lock import FOR_EVER
from molt.index.catalog import schema
from molt.index.jobs import queue
from molt.index.jobs.database import prepare_jobs

_FRAME = {"BEGIN TRANSACTION;", "COMMIT;"}
_migrate, _prepare = schema._run_migrations, prepare_jobs


class EmptyDatabases:
    """What migrations make of nothing, kept in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._catalog: list[str] = []
        self._queue: Path | None = None

    def fill_catalog(self, connection: Connection) -> None:
        """In place of the migrations, in the transaction that they would be in."""
        driver = connection.connection.driver_connection
        if (
            connection.dialect.name != "sqlite"
            or driver.execute("SELECT 1 FROM sqlite_master").fetchone()
        ):
            _migrate(connection)
            return
        if self._catalog:
            for statement in self._catalog:
                driver.execute(statement)
            return
        _migrate(connection)
        self._catalog = [one for one in driver.iterdump() if one not in _FRAME]

    def prepare_queue(self, url: str) -> None:
        """In place of the migrations of a queue."""
        name = make_url(url).database
        if make_url(url).get_backend_name() != "sqlite" or Path(name).exists():
            _prepare(url)
            return
        with exclusive(Path(f"{name}.lock"), patience=FOR_EVER):
            if not Path(name).exists():
                shutil.copyfile(self._empty_queue(), f"{name}.new")
                Path(f"{name}.new").rename(name)

    def _empty_queue(self) -> Path:
        if self._queue is None:
            self._queue = self._folder / "queue.sqlite3"
            _prepare(f"sqlite:///{self._queue}")
        return self._queue


@pytest.fixture(scope="session", autouse=True)
def empty_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    empty = EmptyDatabases(tmp_path_factory.mktemp("empty"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_run_migrations", empty.fill_catalog)
        patch.setattr(queue, "prepare_jobs", empty.prepare_queue)
        yield


@pytest.fixture
def migrating(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every database is migrated, a new one too."""
    monkeypatch.setattr(schema, "_run_migrations", _migrate)
    monkeypatch.setattr(queue, "prepare_jobs", _prepare)
