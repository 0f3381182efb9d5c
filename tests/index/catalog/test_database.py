import sqlite3
import threading
import traceback
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import create_engine, create_mock_engine, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from molt.index.catalog.catalog import Catalog, home_url, open_catalog, sqlite_path
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.storage import database as database_module
from molt.index.catalog.storage.database import Database, chunks, create_database
from molt.index.catalog.tables import collections, metadata, queries
from molt.index.errors import CatalogBusyError, CatalogError, CatalogFullError
from tests.damage import flaws_of


@pytest.fixture
def catalog_url(catalog_home: Path) -> str:
    """SQLite alone: most of this module is about what is special in it."""
    return home_url(catalog_home)


def test_every_connection_is_durable_and_checks_references(catalog: Catalog) -> None:
    found = {}
    with catalog.database.reading() as first, catalog.database.reading() as second:
        for connection in (first, second):
            for pragma in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout"):
                found[pragma] = connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def test_a_writing_transaction_holds_the_write_lock_from_its_first_moment(
    catalog: Catalog, catalog_home: Path
) -> None:
    other = sqlite3.connect(catalog_home / "catalog.sqlite3", timeout=0)
    try:
        with catalog.database.writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    finally:
        other.close()


def test_a_reading_transaction_sees_one_state_while_others_write(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    with catalog.database.reading() as connection:
        before = connection.scalar(select(collections.c.revision))
        catalog.documents.upsert(catalog_collection, [Document("d", "text")])
        assert connection.scalar(select(collections.c.revision)) == before
    assert catalog.collections.get("default").revision == 1


def test_a_transaction_that_raises_leaves_nothing(catalog: Catalog) -> None:
    def fail_halfway() -> None:
        with catalog.database.writing() as connection:
            connection.exec_driver_sql("INSERT INTO aliases VALUES ('half', 'x')")
            raise KeyError("half")

    with pytest.raises(KeyError):
        fail_halfway()
    assert catalog.aliases.get("half") is None


def test_what_is_raised_and_logged_of_a_failing_statement_quotes_no_text(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    row = {
        "collection_id": catalog_collection.id,
        "query_id": "q1",
        "text": "a secret",
        "metadata": "{}",
    }
    with pytest.raises(IntegrityError) as raised, catalog.database.writing() as connection:
        connection.execute(queries.insert(), [row, row])
    told = "".join(traceback.format_exception(raised.value))
    assert "INSERT INTO queries" in told
    assert "secret" not in told


def test_a_writer_that_waits_too_long_for_another_process_says_so(
    catalog: Catalog, catalog_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    impatient = open_catalog(home_url(catalog_home))
    other = sqlite3.connect(catalog_home / "catalog.sqlite3", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogBusyError, match="another writer"):
            impatient.aliases.set("default", "x")
    finally:
        other.close()
        impatient.close()


def test_a_writer_that_waits_too_long_for_another_thread_says_so(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    refused: list[CatalogBusyError] = []

    def write() -> None:
        try:
            catalog.aliases.set("default", "x")
        except CatalogBusyError as error:
            refused.append(error)

    with catalog.database.writing():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_a_full_disk_is_named_and_loses_nothing(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.documents.upsert(catalog_collection, [Document("kept", "text")])
    with catalog.database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(CatalogFullError, match="disk space"):
        catalog.documents.upsert(catalog_collection, [Document("big", "x" * 1_000_000)])
    assert [one.document.id for one in catalog.documents.page(catalog_collection, limit=9)] == [
        "kept"
    ]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("not a url", "not usable"),
        ("nosuch://host/db", "not usable"),
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("postgresql+pg8000://host/db", "pg8000"),
        ("mssql+pyodbc://host/db", "pyodbc|not in mssql"),
    ],
)
def test_a_useless_url_is_refused_with_the_reason(url: str, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        create_database(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    path.write_bytes(b"this is not a database, whatever it is called" * 100)
    with pytest.raises(CatalogError, match="not an SQLite database"):
        open_catalog(home_url(tmp_path))


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="its directory exists"):
        open_catalog(home_url(tmp_path / "nowhere"))


def test_a_damaged_page_is_found(catalog: Catalog, catalog_home: Path) -> None:
    collection = catalog.collections.create("default")
    catalog.documents.upsert(collection, [Document(f"d{i}", "text " * 200) for i in range(200)])
    assert flaws_of(catalog) == []
    catalog.close()
    path = catalog_home / "catalog.sqlite3"
    content = bytearray(path.read_bytes())
    for page in range(len(content) // 4096 // 2, len(content) // 4096):
        content[page * 4096 : page * 4096 + 16] = b"\xff" * 16
    path.write_bytes(bytes(content))
    try:
        found = flaws_of(catalog)
    except CatalogError as error:
        found = [str(error)]
    assert found


def test_chunks_are_bounded_and_complete() -> None:
    sizes = [len(chunk) for chunk in chunks(range(2500))]
    assert sizes == [1000, 1000, 500]
    assert list(chunks([])) == []


class TestOnPostgresql:
    """What can be known of PostgreSQL without one: the SQL that it would be sent."""

    def test_every_table_and_index_compiles(self) -> None:
        statements: list[str] = []
        engine = create_mock_engine(
            "postgresql://",
            lambda sql, *_, **__: statements.append(str(sql.compile(dialect=postgresql.dialect()))),
        )
        metadata.create_all(engine, checkfirst=False)
        script = "\n".join(statements)
        assert script.count("CREATE TABLE") == len(metadata.tables)
        assert 'doc_id TEXT COLLATE "C"' in script
        assert "BIGSERIAL" in script

    def test_upserts_and_locks_compile(self) -> None:
        database = _postgresql()
        overwriting = str(database.insert_or_update(queries).compile(dialect=postgresql.dialect()))
        locking = str(
            select(collections.c.revision).with_for_update().compile(dialect=postgresql.dialect())
        )
        assert "ON CONFLICT (collection_id, query_id) DO UPDATE SET text = excluded" in overwriting
        assert locking.endswith("FOR UPDATE")

    def test_reads_ask_for_one_consistent_state(self) -> None:
        options = _postgresql()._reader.get_execution_options()
        assert options["isolation_level"] == "REPEATABLE READ"


def _postgresql() -> Database:
    driver = ModuleType("pg8000")
    driver.__version__ = "1.31.0"  # type: ignore[attr-defined]
    driver.paramstyle = "format"  # type: ignore[attr-defined]
    return Database(create_engine("postgresql+pg8000://", module=driver))


@pytest.mark.promise("P1", "a catalog that is removed or replaced under a server")
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_nothing_is_acknowledged_that_goes_to_a_file_without_a_name(
    catalog_url: str, how: str
) -> None:
    path = sqlite_path(catalog_url)
    assert path is not None
    with closing(open_catalog(catalog_url)) as catalog:
        catalog.collections.create("before")
        aside = path.rename(path.with_name("aside"))
        if how == "replaced":
            path.write_bytes(aside.read_bytes())
        with pytest.raises(CatalogError, match=f"{how} while it was open"):
            catalog.collections.create("lost")
        aside.replace(path)
        assert [each.name for each in catalog.collections.list()] == ["before"]
        catalog.collections.create("after")


@pytest.mark.promise("P1", "a catalog that is removed or replaced under a server")
def test_nothing_is_acknowledged_of_a_file_replaced_before_anything_was_written(
    catalog_url: str,
) -> None:
    path = sqlite_path(catalog_url)
    assert path is not None
    open_catalog(catalog_url).close()
    with closing(open_catalog(catalog_url)) as catalog:
        content = path.read_bytes()
        aside = path.rename(path.with_name("aside"))
        path.write_bytes(content)
        with pytest.raises(CatalogError, match="replaced while it was open"):
            catalog.collections.create("lost")
        aside.replace(path)
        catalog.collections.create("after")
