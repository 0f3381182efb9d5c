"""Where the queue's database is, and how it is connected to."""

from contextlib import closing
from pathlib import Path

from molt.index.jobs.database import create_jobs_engine, jobs_url
from molt.index.jobs.queue import JobQueue


def test_the_queue_in_sqlite_is_as_durable_as_the_catalog(tmp_path: Path) -> None:
    engine = create_jobs_engine(jobs_url(tmp_path, None))
    with engine.connect() as connection:
        pragmas = ("synchronous", "journal_mode", "foreign_keys")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    engine.dispose()
    assert found == [2, "wal", 1]


def test_the_queue_lies_in_the_home_unless_the_catalog_is_postgresql(tmp_path: Path) -> None:
    home = tmp_path / "100%25 of? it#"
    home.mkdir()
    for catalog_url in (None, "sqlite:////elsewhere/catalog.sqlite3"):
        with closing(JobQueue(jobs_url(home, catalog_url))) as queue:
            assert queue.list() == []
        assert (home / "jobs.sqlite3").exists()
    assert jobs_url(home, "postgresql+psycopg://db/molt") == "postgresql+psycopg://db/molt"
