"""The database under the catalog: its connections and its transactions.

All that SQLite and PostgreSQL do differently is here and in `postgresql`; the rest of the catalog
is the same SQL. Knows no table.
"""

import sqlite3
import threading
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    PoolProxiedConnection,
    Table,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.sql.dml import Insert

from molt.index.catalog.storage.place import DatabasePlace
from molt.index.catalog.storage.postgresql import connect_arguments, limit_sessions
from molt.index.catalog.storage.refusals import BUSY_SECONDS, LOCKED, translated
from molt.index.errors import CatalogBusyError, CatalogError

_CHUNK = 1000  # SQLite takes 32,766 parameters in a statement, PostgreSQL 65,535
_T = TypeVar("_T")
_BEGIN = "molt_begin"
_MIGRATION_LOCK = 0x6D6F6C74
_SNAPSHOT = "SELECT pg_current_snapshot()"
"""Which transactions that wrote have ended: what is equal sees the same rows."""


def create_database(url: str) -> "Database":
    """Prepare the engine for `url` without connecting. Raises `CatalogError` for a useless URL."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}:
            raise CatalogError("a catalog must be a file: sqlite:////path/to/catalog.sqlite3")
        is_postgresql = parsed.get_backend_name() == "postgresql"
        engine = create_engine(
            parsed,
            pool_size=16,
            max_overflow=32,
            hide_parameters=True,  # an error that is logged must not hold a text
            pool_pre_ping=is_postgresql,
            connect_args=connect_arguments(parsed) if is_postgresql else {},
        )
    except (ArgumentError, NoSuchModuleError) as error:
        raise CatalogError(f"the catalog's URL is not usable: {error}") from error
    except ModuleNotFoundError as error:
        extra = "'molt[postgres]'" if error.name == "psycopg" else error.name
        raise CatalogError(
            f"the catalog's URL needs the Python package {error.name!r}: `pip install {extra}`"
        ) from error
    if engine.dialect.name not in {"sqlite", "postgresql"}:
        raise CatalogError(f"a catalog lives in SQLite or PostgreSQL, not in {engine.dialect.name}")
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        limit_sessions(engine, lock_seconds=BUSY_SECONDS)
    return Database(engine)


class Database:
    """An engine with two kinds of transaction: `reading` and `writing`. Safe in many threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        options = {_BEGIN: "BEGIN"} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reader = engine.execution_options(**options)
        self._writer = engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
        self._turn = threading.Lock()
        self._observer = _Observer(engine) if self.is_sqlite else None
        self._place = DatabasePlace(Path(str(engine.url.database))) if self.is_sqlite else None

    def close(self) -> None:
        """Close every connection."""
        if self._observer is not None:
            self._observer.close()
        self.engine.dispose()

    def version(self) -> Hashable:
        """Changes whenever somebody has committed a write: one statement tells that nobody has.

        Ask before reading what shall be as new as this. Only for comparison with what the same
        `Database` said.
        """
        with translated(self.engine):
            if self._observer is not None:
                return self._observer.version()
            with self.engine.connect() as connection:
                unframed = connection.execution_options(isolation_level="AUTOCOMMIT")
                return str(unframed.exec_driver_sql(_SNAPSHOT).scalar_one())

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one consistent state of the catalog."""
        with translated(self.engine), self._reader.begin() as connection:
            yield connection

    def fetch(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """All rows of one SELECT in SQLite's words, by the driver alone, which keeps it prepared.

        A statement sees one consistent state by itself. Fails as `reading` does.
        """
        with translated(self.engine), closing(self.engine.raw_connection()) as connection:
            try:
                return connection.cursor().execute(statement, parameters).fetchall()  # type: ignore[no-any-return]
            except sqlite3.Error as error:
                raise DBAPIError.instance(None, None, error, sqlite3.Error) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable when the block ends, and undone when it raises.

        Raises `CatalogBusyError` after 30 s of waiting, `CatalogFullError` where the disk is full,
        and `CatalogError` where the file was removed or replaced: what is written to one that has
        no name any more is lost with the process.
        """
        with self._in_turn(), translated(self.engine), self._writer.begin() as connection:
            yield connection
            if self._place is not None:
                self._place.require()

    def lock(self, connection: Connection, table: Table) -> None:
        """Keep others from writing to a table until the transaction ends; in SQLite they wait."""
        if not self.is_sqlite:
            connection.execute(text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A writing transaction beside which nobody writes; readers go on."""
        with self.writing() as connection:
            if not self.is_sqlite:  # SQLite's writers exclude each other anyway
                quote = connection.dialect.identifier_preparer.quote
                names = map(quote, sorted(inspect(connection).get_table_names()))
                connection.exec_driver_sql(f"LOCK TABLE {', '.join(names)} IN EXCLUSIVE MODE")
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A writing transaction that only one process at a time can be in."""
        with self.writing() as connection:
            if not self.is_sqlite:  # SQLite's writers exclude each other anyway
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(
                    text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
                )
            yield connection

    def insert_or_update(self, table: Table) -> Insert:
        """INSERT that overwrites the row with the same primary key, if there is one."""
        statement = self._insert(table)
        key = table.primary_key.columns
        fresh = {
            column.name: statement.excluded[column.name]
            for column in table.c
            if not column.primary_key
        }
        overwriting: Insert = statement.on_conflict_do_update(index_elements=key, set_=fresh)
        return overwriting

    def try_insert(self, connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert a row unless a unique column holds its value already; was it inserted?"""
        statement = self._insert(table)
        first_key = table.primary_key.columns[0]
        cautious = statement.on_conflict_do_nothing().returning(first_key)
        return connection.execute(cautious, row).first() is not None

    def _insert(self, table: Table) -> Any:
        """INSERT in the dialect of this database; the other one is never loaded."""
        if self.is_sqlite:
            from sqlalchemy.dialects import sqlite  # noqa: PLC0415

            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        return postgresql.insert(table)

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        # SQLite lets a waiting writer poll, so threads would overtake each other for seconds.
        if not self.is_sqlite:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise CatalogBusyError(f"the catalog {LOCKED}")
        try:
            yield
        finally:
            self._turn.release()


class _Observer:
    """A connection of its own that is never written through: SQLite tells it of others' commits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._connection: PoolProxiedConnection | None = None
        self._opened = 0

    def version(self) -> Hashable:
        with self._lock:
            if self._connection is None:
                self._connection = self._engine.raw_connection()
                self._opened += 1  # what another connection said means nothing to this one
            cursor = self._connection.cursor()
            try:
                cursor.execute("PRAGMA data_version")
                return self._opened, cursor.fetchone()
            finally:
                cursor.close()

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.invalidate()  # not handed to others: the pool is to end too
                self._connection = None


def make_durable(connection: sqlite3.Connection) -> None:
    """Let what is committed outlive a power cut, and who has to wait for others wait."""
    for pragma in (
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def chunks(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Slices of up to 1000 values: each fits into one `IN (...)` of any database."""
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def _row_digest(*values: str | bytes | None) -> bytes:
    """16 bytes that stand for the values, and for their order, lengths and absence (BLAKE2b)."""
    digest = blake2b(digest_size=16)
    for value in values:
        content = value.encode() if isinstance(value, str) else value
        digest.update(b"-" if content is None else b"%d:" % len(content))
        digest.update(content or b"")
    return digest.digest()


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy begins transactions, the driver never does
        connection.create_function("molt_digest", -1, _row_digest, deterministic=True)
        make_durable(connection)
        for pragma in (
            "trusted_schema=ON",  # or triggers could not call `molt_digest`
            "cache_size=-1024",  # KiB for each connection; the system caches the file for all
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
