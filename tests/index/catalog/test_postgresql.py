"""A PostgreSQL that is locked, slow, restarted or gone is an error that says what to do."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.pool import QueuePool

from molt.index.catalog.catalog import Catalog, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.schema import upgrade_catalog
from molt.index.catalog.storage import database as database_module
from molt.index.errors import CatalogBusyError, CatalogError
from molt.index.jobs.database import create_jobs_engine
from tests.postgresql import PostgresqlServer

LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
SECRET = "hunter2"


@pytest.fixture
def catalog_url(postgresql_url: str) -> str:
    """PostgreSQL alone."""
    return postgresql_url


@pytest.fixture
def other(catalog_url: str, catalog: Catalog) -> Iterator[psycopg.Connection]:
    """A connection of another program to the same database."""
    url = make_url(catalog_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg.connect(url)) as connection:
        yield connection


def with_options(url: str, options: str) -> str:
    changed = make_url(url).update_query_dict({"options": options})
    return changed.render_as_string(hide_password=False)


def in_transaction(catalog: Catalog, *statements: str) -> None:
    with catalog.database.writing() as connection:
        for statement in statements:
            connection.execute(text(statement))


def documents(catalog: Catalog) -> int:
    return catalog.collections.get("default").documents


def test_every_connection_waits_and_works_for_a_bounded_time(
    catalog: Catalog, catalog_url: str
) -> None:
    queue = create_jobs_engine(catalog_url)
    for engine in (catalog.database.engine, queue):
        with engine.connect() as first, engine.connect() as second:
            for connection in (first, second):
                found = [connection.scalar(text(f"SHOW {name}")) for name in LIMITS]
                assert found == ["30s", "10min", "5min"]
                parameters = connection.connection.driver_connection.info.get_parameters()
                assert parameters["connect_timeout"] == "10"
                assert parameters["keepalives_idle"] == "30"
                assert parameters["application_name"] == "molt"
    queue.dispose()


def test_limits_that_the_url_names_are_kept(catalog_url: str) -> None:
    url = with_options(catalog_url, "-c statement_timeout=7s -c lock_timeout=0")
    with closing(open_catalog(url)) as catalog, catalog.database.reading() as connection:
        found = [connection.scalar(text(f"SHOW {name}")) for name in LIMITS]
    assert found == ["0", "7s", "5min"]


def test_a_writer_that_waits_too_long_for_another_program_says_so_and_keeps_nothing(
    catalog: Catalog,
    catalog_collection: Collection,
    catalog_url: str,
    other: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    other.execute("SELECT * FROM collections FOR UPDATE")
    with closing(open_catalog(catalog_url)) as impatient:
        with pytest.raises(CatalogBusyError, match="another writer"):
            impatient.documents.upsert(catalog_collection, [Document("d", "text")])
        other.rollback()
        assert documents(impatient) == 0
        assert impatient.documents.upsert(catalog_collection, [Document("d", "text")]).revision == 1


def test_a_migration_that_another_process_runs_is_waited_for_a_bounded_time(
    postgresql_server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    lock = text("SELECT pg_advisory_lock(:key)")
    with postgresql_server.bare_database() as url:
        engine = create_jobs_engine(url)
        with engine.connect() as other:
            other.execute(lock, {"key": database_module._MIGRATION_LOCK})
            with pytest.raises(CatalogBusyError):
                open_catalog(url)
        engine.dispose()


def test_a_migration_may_take_longer_than_any_other_statement(catalog: Catalog) -> None:
    with catalog.database.migrating() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "0"
    with catalog.database.writing() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "10min"


def test_a_statement_that_runs_too_long_is_stopped_with_the_reason(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match="statement_timeout"):
        in_transaction(catalog, "SET LOCAL statement_timeout = 20", "SELECT pg_sleep(60)")


def test_a_transaction_that_hangs_is_ended_and_lets_others_write(
    catalog: Catalog, catalog_collection: Collection, catalog_url: str
) -> None:
    def hang(hanging: Catalog) -> None:
        with hanging.database.writing() as connection:
            connection.execute(text("SELECT * FROM collections FOR UPDATE"))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 20"))
            catalog.documents.upsert(catalog_collection, [Document("d", "text")])
            connection.execute(text("SELECT 1"))

    with (
        closing(open_catalog(catalog_url)) as hanging,
        pytest.raises(CatalogError, match="did nothing for too long"),
    ):
        hang(hanging)
    assert documents(catalog) == 1


def test_writers_that_want_each_others_rows_are_told_to_try_again(
    catalog: Catalog, other: psycopg.Connection
) -> None:
    for name in ("a", "b"):
        catalog.collections.create(name)
    change = "UPDATE collections SET epoch = epoch + 1 WHERE name = '{}'"
    other.execute("SET deadlock_timeout = '1min'")  # so that it is the catalog who notices
    other.execute(change.format("a"))

    def cross() -> None:
        with catalog.database.writing() as connection:
            connection.execute(text(change.format("b")))
            other.pgconn.send_query(change.format("b").encode())
            connection.execute(text(change.format("a")))

    with pytest.raises(CatalogBusyError, match="at the same moment; try again"):
        cross()


def test_a_standby_is_read_only(catalog_url: str) -> None:
    url = with_options(catalog_url, "-c default_transaction_read_only=on")
    with (
        closing(open_catalog(url)) as catalog,
        pytest.raises(CatalogError, match=r"read-only.*primary"),
    ):
        catalog.aliases.set("default", "x")


def test_a_role_without_the_rights_is_told(
    catalog: Catalog, catalog_url: str, other: psycopg.Connection
) -> None:
    other.execute("DROP ROLE IF EXISTS stranger")
    other.execute("CREATE ROLE stranger LOGIN")
    other.commit()
    url = make_url(catalog_url).set(username="stranger").render_as_string(hide_password=False)
    with pytest.raises(CatalogError, match=r"permission denied.*grant"):
        open_catalog(url)


def test_more_transactions_than_connections_are_busy(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = catalog.database.engine.pool
    assert isinstance(pool, QueuePool)
    monkeypatch.setattr(pool, "_timeout", 0.05)
    with ExitStack() as held:
        for _ in range(48):
            held.enter_context(catalog.database.engine.connect())
        with pytest.raises(CatalogBusyError, match="all 48 connections"):
            catalog.aliases.get("default")


def test_a_server_that_is_not_there_cannot_be_reached(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://molt:{SECRET}@/molt?host={tmp_path}&sslpassword={SECRET}"
    with pytest.raises(CatalogError, match=r"cannot be reached: connection.* failed") as refused:
        open_catalog(url)
    assert SECRET not in str(refused.value)


def test_a_restarted_server_is_used_again_and_keeps_what_was_acknowledged(
    catalog: Catalog, catalog_collection: Collection, postgresql_server: PostgresqlServer
) -> None:
    catalog.documents.upsert(catalog_collection, [Document("kept", "text")])

    def write_meanwhile() -> None:
        with catalog.database.writing() as connection:
            connection.execute(text("UPDATE collections SET documents = 99"))
            postgresql_server.stop()
            connection.execute(text("UPDATE collections SET documents = 100"))

    with pytest.raises(CatalogError, match="cannot be reached"):
        write_meanwhile()
    with pytest.raises(CatalogError, match="cannot be reached"):
        documents(catalog)
    postgresql_server.start()
    assert documents(catalog) == 1
    assert catalog.documents.get(catalog_collection, "kept").document.text == "text"


def test_a_missing_driver_is_named_with_what_installs_it(
    catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(CatalogError, match=r"pip install 'molt\[postgres\]'"):
        open_catalog(catalog_url)


def test_a_database_that_cannot_hold_every_text_is_refused(
    postgresql_server: PostgresqlServer,
) -> None:
    create = "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"
    postgresql_server.execute(create)
    try:
        with pytest.raises(CatalogError, match=r"LATIN1.*UTF8"):
            open_catalog(postgresql_server.url("latin"))
    finally:
        postgresql_server.execute("DROP DATABASE latin WITH (FORCE)")


def test_a_bare_database_becomes_a_catalog(postgresql_server: PostgresqlServer) -> None:
    with (
        postgresql_server.bare_database() as url,
        closing(open_catalog(url)) as catalog,
    ):
        upgrade_catalog(catalog.database)
        assert catalog.collections.list() == ()
