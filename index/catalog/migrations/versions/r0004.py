"""Checksums: SQLite has none of what a row holds, so triggers keep one for each row.

PostgreSQL has checksums of its own for its pages; there the table stays empty.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_PLACES = {
    "collections": ("id",),
    "documents": ("collection_id", "ordinal"),
    "tombstones": ("collection_id", "revision"),
    "queries": ("collection_id", "query_id"),
    "judgments": ("collection_id", "digest"),
    "pairs": ("collection_id", "digest"),
    "events": ("id",),
    "keys": ("id",),
    "aliases": ("name",),
    "releases": ("id",),
    "builds": ("generation",),
    "failures": ("collection_id", "kind"),
}
"""What tells the rows of each table apart."""


def upgrade() -> None:
    """Add the table, fill it, and keep it filled."""
    op.create_table(
        "checksums",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("place", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name != "sqlite":
        return
    inspector = sa.inspect(op.get_bind())
    for name, key in _PLACES.items():
        columns = sorted(column["name"] for column in inspector.get_columns(name))
        for statement in _statements(name, key, columns):
            op.execute(statement)


def _statements(name: str, key: tuple[str, ...], columns: list[str]) -> list[str]:
    """The checksums of the rows that are there, and triggers for those to come."""
    new = f"VALUES ('{name}', {_place('NEW.', key)}, {_digest('NEW.', columns)})"
    forget = f"DELETE FROM checksums WHERE kind = '{name}' AND place = "  # noqa: S608  our own names
    keep = f"{forget}{_place('NEW.', key)}; INSERT INTO checksums {new};"
    lose = f"{forget}{_place('OLD.', key)};"
    selected = f"'{name}', {_place('', key)}, {_digest('', columns)}"
    return [
        f"INSERT INTO checksums SELECT {selected} FROM {name}",  # noqa: S608
        f"CREATE TRIGGER {name}_inserted AFTER INSERT ON {name} BEGIN {keep} END",
        f"CREATE TRIGGER {name}_updated AFTER UPDATE ON {name} BEGIN {lose} {keep} END",
        f"CREATE TRIGGER {name}_deleted AFTER DELETE ON {name} BEGIN {lose} END",
    ]


def _place(row: str, key: tuple[str, ...]) -> str:
    return " || '/' || ".join(
        f"hex({row}{name})" if name == "digest" else f"{row}{name}" for name in key
    )


def _digest(row: str, columns: list[str]) -> str:
    values = (f"typeof({row}{name}), CAST({row}{name} AS BLOB)" for name in columns)
    return f"molt_digest({', '.join(values)})"
