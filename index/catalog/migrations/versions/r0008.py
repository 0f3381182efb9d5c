"""Curations of queries, and what searches of a collection do where they say nothing else."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PLACES = {
    "curations": "{row}collection_id || '/' || hex({row}digest)",
    "search_defaults": "{row}collection_id",
}
"""What tells the rows of each table apart."""


def upgrade() -> None:
    """Add the tables, and the checksums of their rows."""
    op.create_table(
        "curations",
        _collection(),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("pinned", sa.Text, nullable=False),
        sa.Column("hidden", sa.Text, nullable=False),
    )
    op.create_table(
        "search_defaults",
        _collection(),
        sa.Column("curated", sa.BigInteger, nullable=False),
        sa.Column("boosts", sa.Text),
    )
    if op.get_bind().dialect.name != "sqlite":
        return
    inspector = sa.inspect(op.get_bind())
    for name, place in _PLACES.items():
        columns = sorted(column["name"] for column in inspector.get_columns(name))
        for statement in _statements(name, place, columns):
            op.execute(statement)


def _collection() -> sa.Column[int]:
    target = sa.ForeignKey("collections.id", ondelete="CASCADE")
    return sa.Column("collection_id", _SERIAL, target, primary_key=True, nullable=False)


def _statements(name: str, place: str, columns: list[str]) -> list[str]:
    """Triggers that keep a checksum of each row to come."""
    new, old = place.format(row="NEW."), place.format(row="OLD.")
    forget = f"DELETE FROM checksums WHERE kind = '{name}' AND place = "  # noqa: S608  our own names
    add = f"INSERT INTO checksums VALUES ('{name}', {new}, {_digest('NEW.', columns)})"  # noqa: S608
    keep, lose = f"{forget}{new}; {add};", f"{forget}{old};"
    return [
        f"CREATE TRIGGER {name}_inserted AFTER INSERT ON {name} BEGIN {keep} END",
        f"CREATE TRIGGER {name}_updated AFTER UPDATE ON {name} BEGIN {lose} {keep} END",
        f"CREATE TRIGGER {name}_deleted AFTER DELETE ON {name} BEGIN {lose} END",
    ]


def _digest(row: str, columns: list[str]) -> str:
    values = (f"typeof({row}{name}), CAST({row}{name} AS BLOB)" for name in columns)
    return f"molt_digest({', '.join(values)})"
