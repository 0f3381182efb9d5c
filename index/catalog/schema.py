"""The schema: which revision of the tables a database has, and how it gets to the newest one.

Alembic does the work and is imported only when there is some: opening a current catalog costs one
small query.
"""

import threading
from pathlib import Path

from sqlalchemy import Connection, Inspector, inspect, text

from molt.index.catalog.storage.database import Database
from molt.index.catalog.storage.refusals import shown
from molt.index.catalog.tables import metadata
from molt.index.errors import CatalogError, NewerCatalogError

REVISIONS = tuple(f"{number:04}" for number in range(1, 14))
VERSION_TABLE = "catalog_version"
_alembic = threading.Lock()  # its `op` and `context` are global to the process


def upgrade_catalog(database: Database) -> None:
    """Bring the tables to the newest revision; safe when several processes do it at once.

    Raises `NewerCatalogError` where a newer Molt has been here, and `CatalogError` where the
    database is somebody else's.
    """
    with database.reading() as connection:
        if _revision(connection) == REVISIONS[-1]:
            return
    with _alembic, database.migrating() as connection:
        _run_migrations(connection)  # nothing to do where another process came first


def _revision(connection: Connection) -> str | None:
    inspector = inspect(connection)
    if not inspector.has_table(VERSION_TABLE):
        _refuse_encoding(connection)
        _refuse_foreign_tables(inspector)
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
    if found is not None and found not in REVISIONS:
        raise NewerCatalogError(
            f"{shown(connection.engine.url)} has the catalog revision {found}, which "
            f"this version of Molt (up to {REVISIONS[-1]}) does not know; upgrade Molt, or "
            "restore a backup that this version made"
        )
    return found


def _refuse_encoding(connection: Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise CatalogError(
            f"{shown(connection.engine.url)} is encoded in {encoding}, which cannot hold every "
            "text; name a database that was created with ENCODING 'UTF8'"
        )


def _refuse_foreign_tables(inspector: Inspector) -> None:
    taken = sorted(set(inspector.get_table_names()) & set(metadata.tables))
    if taken:
        raise CatalogError(
            f"the database has a table {taken[0]!r} that Molt did not make; name an empty database"
        )


def _run_migrations(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - 200 ms that a current catalog does not pay
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    command.upgrade(config, "head")
