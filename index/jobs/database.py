"""The queue's database: where it is, how it is connected to, and its tables.

SQLite in the home unless another is named, as durable and as patient as the catalog. What stands in
the tables is DBOS's.
"""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import make_url

from molt.artifact import Home, exclusive
from molt.artifact.lock import FOR_EVER
from molt.index.catalog.storage.database import make_durable
from molt.index.catalog.storage.postgresql import connect_arguments, limit_sessions
from molt.index.catalog.storage.refusals import BUSY_SECONDS, translated


def prepare_jobs(url: str) -> None:
    """Make or upgrade the tables of the queue; safe when several processes do it at once."""
    from dbos import DBOS  # noqa: PLC0415

    with alone_with(url):
        engine = create_jobs_engine(url)
        with translated(engine):
            engine.connect().close()  # DBOS would retry for ever where it cannot be reached
            engine.dispose()
            DBOS.migrate(url)


def alone_with(url: str) -> AbstractContextManager[None]:
    """What whoever connects for the first time holds: SQLite lets none wait for the change to WAL.

    It holds for a database in a file; where there is a server it means nothing.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return nullcontext()
    return exclusive(Path(f"{parsed.database}.lock"), patience=FOR_EVER)


def create_jobs_engine(url: str) -> Engine:
    """Connections to the queue's database, as durable and as patient as the catalog's."""
    parsed = make_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    engine = create_engine(
        parsed,
        pool_pre_ping=not is_sqlite,  # a file does not hang up
        connect_args={} if is_sqlite else connect_arguments(parsed),
    )
    if not is_sqlite:
        limit_sessions(engine, lock_seconds=BUSY_SECONDS)
        return engine

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        make_durable(connection)

    return engine


def jobs_url(home: Path, catalog_url: str | None) -> str:
    """Where the queue of a home is: in its own SQLite file, or where a PostgreSQL catalog is."""
    if catalog_url is not None and make_url(catalog_url).get_backend_name() != "sqlite":
        return catalog_url
    url = URL.create("sqlite", database=str(Home(home).jobs))
    return url.render_as_string(hide_password=False)
