"""Checksums of rows: SQLite keeps none, so a bit that the disk has flipped would be read as it is.

Triggers, which a migration made, keep one beside each row that is written. Here they are compared,
and whoever differs is named; what a row holds is not quoted.
"""

from collections.abc import Iterator
from itertools import islice

from sqlalchemy import Connection, Table

from molt.index.catalog import tables
from molt.index.catalog.storage.database import Database

_MOST_NAMED = 20
_PLACES = {"documents": ("collection_id", "ordinal")}
"""What tells the rows of a table apart, where it is not the primary key."""
_NAMES = {
    "collections": "name",
    "documents": "doc_id",
    "queries": "query_id",
    "keys": "name",
    "aliases": "name",
}
"""By what a row is named, where its place would tell nobody anything."""


def changed_rows(database: Database) -> list[str]:
    """Rows that are not as they were written, in words; of PostgreSQL nothing is compared.

    Raises `CatalogError` and what SQLAlchemy raises for a file that cannot be read.
    """
    if database.engine.dialect.name != "sqlite":
        return []
    kept = (one for one in tables.metadata.sorted_tables if one not in tables.UNPROVEN)
    with database.reading() as connection:
        return [line for table in kept for line in _changed(connection, table)]


def _changed(connection: Connection, table: Table) -> Iterator[str]:
    kind, place = table.name, _place(table)
    shown = f"{kind}.{_NAMES[kind]}" if kind in _NAMES else place
    differing = connection.exec_driver_sql(
        f"SELECT CAST({shown} AS BLOB) FROM {kind} LEFT JOIN checksums "  # noqa: S608  our own names
        f"ON checksums.kind = '{kind}' AND checksums.place = {place} "
        f"WHERE checksums.digest IS NOT {_digest(table)}"
    )
    for (found,) in islice(differing, _MOST_NAMED):
        name = bytes(found or b"?").decode(errors="replace")[:80]
        yield f"{kind}: {name!r} is not as it was written; a byte of it was changed on the disk"
    more = sum(1 for _ in differing)
    if more:
        yield f"{kind}: {more} others are not as they were written"
    count = f"SELECT count(*) FROM checksums WHERE kind = '{kind}'"  # noqa: S608
    lost = f"SELECT ({count}) - count(*) FROM {kind}"  # noqa: S608
    surplus = connection.exec_driver_sql(lost).scalar_one()
    if surplus > 0:
        yield f"{kind}: {surplus} are gone"


def _place(table: Table) -> str:
    names = _PLACES.get(table.name) or table.primary_key.columns.keys()
    columns = ((name, f"{table.name}.{name}") for name in names)
    return " || '/' || ".join(f"hex({it})" if name == "digest" else it for name, it in columns)


def _digest(table: Table) -> str:
    columns = (f"{table.name}.{name}" for name in sorted(table.c.keys()))
    return f"molt_digest({', '.join(f'typeof({it}), CAST({it} AS BLOB)' for it in columns)})"
