"""Checksums of rows, as migrations have SQLite keep them, which has none of what a row holds.

What a migration did it has to go on doing: functions may come to these, and none may change.
"""

from collections.abc import Iterable, Mapping

import sqlalchemy as sa
from alembic import op

_EVENTS = ("inserted", "updated", "deleted")
_BYTES = "digest"
"""The one column of bytes by which rows are told apart."""


def keep_checksums(places: Mapping[str, tuple[str, ...]]) -> None:
    """Make the checksums of the rows that are there, and triggers for those to come.

    `places` are the columns that tell the rows of each table apart. PostgreSQL has checksums of its
    own for its pages; there nothing is done.
    """
    if not _is_sqlite():
        return
    inspector = sa.inspect(op.get_bind())
    for table, key in places.items():
        columns = sorted(column["name"] for column in inspector.get_columns(table))
        for statement in _statements(table, key, columns):
            op.execute(statement)


def drop_checksums(tables: Iterable[str]) -> None:
    """Remove the checksums and the triggers of tables whose columns are about to change."""
    if not _is_sqlite():
        return
    for table in tables:
        for event in _EVENTS:
            op.execute(f"DROP TRIGGER {table}_{event}")
        op.execute(f"DELETE FROM checksums WHERE kind = '{table}'")  # noqa: S608  our own names


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _statements(table: str, key: tuple[str, ...], columns: list[str]) -> list[str]:
    new = f"VALUES ('{table}', {_place('NEW.', key)}, {_digest('NEW.', columns)})"
    forget = f"DELETE FROM checksums WHERE kind = '{table}' AND place = "  # noqa: S608  our own names
    keep = f"{forget}{_place('NEW.', key)}; INSERT INTO checksums {new};"
    lose = f"{forget}{_place('OLD.', key)};"
    selected = f"'{table}', {_place('', key)}, {_digest('', columns)}"
    return [
        f"INSERT INTO checksums SELECT {selected} FROM {table}",  # noqa: S608
        f"CREATE TRIGGER {table}_inserted AFTER INSERT ON {table} BEGIN {keep} END",
        f"CREATE TRIGGER {table}_updated AFTER UPDATE ON {table} BEGIN {lose} {keep} END",
        f"CREATE TRIGGER {table}_deleted AFTER DELETE ON {table} BEGIN {lose} END",
    ]


def _place(row: str, key: tuple[str, ...]) -> str:
    return " || '/' || ".join(
        f"hex({row}{name})" if name == _BYTES else f"{row}{name}" for name in key
    )


def _digest(row: str, columns: list[str]) -> str:
    values = (f"typeof({row}{name}), CAST({row}{name} AS BLOB)" for name in columns)
    return f"molt_digest({', '.join(values)})"
