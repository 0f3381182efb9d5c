"""How the long texts of a collection are split into passages."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None

_TABLE = "collections"


def upgrade() -> None:
    """Add a column; the checksums of its table are made anew."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        for event in ("inserted", "updated", "deleted"):
            op.execute(f"DROP TRIGGER {_TABLE}_{event}")
        op.execute(f"DELETE FROM checksums WHERE kind = '{_TABLE}'")  # noqa: S608  our own name
    op.add_column(_TABLE, sa.Column("splitting", sa.Text))
    if is_sqlite:
        columns = sa.inspect(op.get_bind()).get_columns(_TABLE)
        for statement in _statements(_TABLE, sorted(column["name"] for column in columns)):
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
