"""How the texts of a collection become terms and passages, its words mean others, it ranks."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CHANGED = {"collections": "id", "releases": "id", "search_defaults": "collection_id"}
"""Tables whose columns change, with what tells their rows apart."""


def upgrade() -> None:
    """Add columns and a table; how searches fuse becomes a part of how they rank.

    The checksums of what changes are made anew.
    """
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        for table in _CHANGED:
            for event in ("inserted", "updated", "deleted"):
                op.execute(f"DROP TRIGGER {table}_{event}")
            op.execute(f"DELETE FROM checksums WHERE kind = '{table}'")  # noqa: S608  our own names
    op.add_column("collections", sa.Column("analysis", sa.Text))
    op.add_column("collections", sa.Column("splitting", sa.Text))
    for table in ("collections", "releases"):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN fusion TO ranking")
    none = sa.Column("synonyms", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    op.add_column("search_defaults", none)
    collection = sa.ForeignKey("collections.id", ondelete="CASCADE")
    op.create_table(
        "synonyms",
        sa.Column("collection_id", _SERIAL, collection, primary_key=True, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
    )
    if not is_sqlite:
        return
    inspector = sa.inspect(op.get_bind())
    for table, place in (_CHANGED | {"synonyms": "collection_id"}).items():
        columns = sorted(column["name"] for column in inspector.get_columns(table))
        for statement in _statements(table, place, columns):
            op.execute(statement)


def _statements(table: str, place: str, columns: list[str]) -> list[str]:
    """The checksums of the rows that are there, and triggers for those to come."""
    new = f"VALUES ('{table}', NEW.{place}, {_digest('NEW.', columns)})"
    forget = f"DELETE FROM checksums WHERE kind = '{table}' AND place = "  # noqa: S608
    keep = f"{forget}NEW.{place}; INSERT INTO checksums {new};"
    lose = f"{forget}OLD.{place};"
    selected = f"'{table}', {place}, {_digest('', columns)}"
    return [
        f"INSERT INTO checksums SELECT {selected} FROM {table}",  # noqa: S608
        f"CREATE TRIGGER {table}_inserted AFTER INSERT ON {table} BEGIN {keep} END",
        f"CREATE TRIGGER {table}_updated AFTER UPDATE ON {table} BEGIN {lose} {keep} END",
        f"CREATE TRIGGER {table}_deleted AFTER DELETE ON {table} BEGIN {lose} END",
    ]


def _digest(row: str, columns: list[str]) -> str:
    values = (f"typeof({row}{name}), CAST({row}{name} AS BLOB)" for name in columns)
    return f"molt_digest({', '.join(values)})"
