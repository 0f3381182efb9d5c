"""The databases that a queue can live in, fresh, and changed as nobody can from outside."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from molt.index.jobs.database import create_jobs_engine, jobs_url

DATABASES = ["sqlite", "postgresql"]


@contextmanager
def fresh_url(request: pytest.FixtureRequest, home: Path) -> Iterator[str]:
    """The URL of an empty queue in the kind of database that the request's parameter names."""
    if request.param == "sqlite":
        yield jobs_url(home, None)
        return
    with request.getfixturevalue("postgresql_server").database() as url:
        yield url


@contextmanager
def bare_url(request: pytest.FixtureRequest, home: Path) -> Iterator[str]:
    """The URL of a queue that nobody has made yet, in the database that the parameter names."""
    if request.param == "sqlite":
        yield jobs_url(home, None)
        return
    with request.getfixturevalue("postgresql_server").bare_database() as url:
        yield url


def write(url: str, change: str) -> None:
    """Change jobs as nobody can from outside."""
    engine = create_jobs_engine(url)
    schema = "" if engine.dialect.name == "sqlite" else "dbos."
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema}workflow_status SET {change}"))
    engine.dispose()
