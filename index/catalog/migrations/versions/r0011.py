"""How a collection ranks, of which how it fuses is a part: the column says so."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = ("collections", "releases")


def upgrade() -> None:
    """Rename a column of both tables; their checksums are made anew."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in _TABLES:
        if is_sqlite:
            for event in ("inserted", "updated", "deleted"):
                op.execute(f"DROP TRIGGER {table}_{event}")
            op.execute(f"DELETE FROM checksums WHERE kind = '{table}'")  # noqa: S608  our own names
        op.execute(f"ALTER TABLE {table} RENAME COLUMN fusion TO ranking")
        if is_sqlite:
            columns = sa.inspect(op.get_bind()).get_columns(table)
            for statement in _statements(table, sorted(column["name"] for column in columns)):
                op.execute(statement)


def _statements(table: str, columns: list[str]) -> list[str]:
    """The checksums of the rows that are there, and triggers for those to come."""
    new = f"VALUES ('{table}', NEW.id, {_digest('NEW.', columns)})"
    forget = f"DELETE FROM checksums WHERE kind = '{table}' AND place = "  # noqa: S608
    keep = f"{forget}NEW.id; INSERT INTO checksums {new};"
    lose = f"{forget}OLD.id;"
    selected = f"'{table}', id, {_digest('', columns)}"
    return [
        f"INSERT INTO checksums SELECT {selected} FROM {table}",  # noqa: S608
        f"CREATE TRIGGER {table}_inserted AFTER INSERT ON {table} BEGIN {keep} END",
        f"CREATE TRIGGER {table}_updated AFTER UPDATE ON {table} BEGIN {lose} {keep} END",
        f"CREATE TRIGGER {table}_deleted AFTER DELETE ON {table} BEGIN {lose} END",
    ]


def _digest(row: str, columns: list[str]) -> str:
    values = (f"typeof({row}{name}), CAST({row}{name} AS BLOB)" for name in columns)
    return f"molt_digest({', '.join(values)})"
