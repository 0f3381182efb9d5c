"""What tests find in a new database is what everybody else finds there."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.jobs.database import jobs_url
from molt.index.jobs.queue import JobQueue


def dumped(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        return [mode, *connection.iterdump()]


def new_catalog(home: Path) -> list[str]:
    home.mkdir()
    open_catalog(home_url(home)).close()
    return dumped(home / "catalog.sqlite3")


def new_queue(home: Path) -> list[str]:
    home.mkdir()
    JobQueue(jobs_url(home, None)).close()
    return dumped(home / "jobs.sqlite3")


@pytest.mark.parametrize("make", [new_catalog, new_queue])
def test_a_new_database_in_a_test_is_as_migrations_leave_it(
    tmp_path: Path, request: pytest.FixtureRequest, make
) -> None:
    copied = make(tmp_path / "copied")
    request.getfixturevalue("migrating")
    assert copied == make(tmp_path / "migrated")
    assert len(copied) > 10
