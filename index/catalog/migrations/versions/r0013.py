"""Experiments: two ways to search, what both of them showed, and what clicks said."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_IDENTIFIER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_MOMENT = sa.DateTime(timezone=True)
_PLACES = {
    "experiments": ("collection_id", "number"),
    "impressions": ("collection_id", "query_id"),
}
"""What tells the rows of each table apart."""


def upgrade() -> None:
    """Add the tables, the checksums of their rows, and how the events of a query are found."""
    op.create_table(
        "experiments",
        _collection(),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("a", sa.Text, nullable=False),
        sa.Column("b", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("share", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("started_by", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("searches", sa.BigInteger, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("better", sa.Text),
        sa.Column("ended_at", _MOMENT),
        sa.Column("ended_by", sa.Text),
        sa.Column("reason", sa.Text),
    )
    op.create_table(
        "impressions",
        _collection(),
        sa.Column("query_id", _IDENTIFIER, primary_key=True),
        sa.Column("experiment", sa.BigInteger, nullable=False),
        sa.Column("draw", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("credits", sa.Text, nullable=False),
    )
    of_one = ["collection_id", "experiment"]
    op.create_index("impressions_by_draw", "impressions", [*of_one, "draw"], unique=True)
    op.create_index("impressions_by_moment", "impressions", [*of_one, "at"])
    op.create_index("events_by_query", "events", ["collection_id", "query_id"])
    if op.get_bind().dialect.name != "sqlite":
        return
    inspector = sa.inspect(op.get_bind())
    for name, key in _PLACES.items():
        columns = sorted(column["name"] for column in inspector.get_columns(name))
        for statement in _statements(name, key, columns):
            op.execute(statement)


def _collection() -> sa.Column[int]:
    target = sa.ForeignKey("collections.id", ondelete="CASCADE")
    return sa.Column("collection_id", _SERIAL, target, primary_key=True, nullable=False)


def _statements(name: str, key: tuple[str, ...], columns: list[str]) -> list[str]:
    """Triggers that keep a checksum of each row to come."""
    new, old = _place("NEW.", key), _place("OLD.", key)
    forget = f"DELETE FROM checksums WHERE kind = '{name}' AND place = "  # noqa: S608  our own names
    add = f"INSERT INTO checksums VALUES ('{name}', {new}, {_digest('NEW.', columns)})"  # noqa: S608
    keep, lose = f"{forget}{new}; {add};", f"{forget}{old};"
    return [
        f"CREATE TRIGGER {name}_inserted AFTER INSERT ON {name} BEGIN {keep} END",
        f"CREATE TRIGGER {name}_updated AFTER UPDATE ON {name} BEGIN {lose} {keep} END",
        f"CREATE TRIGGER {name}_deleted AFTER DELETE ON {name} BEGIN {lose} END",
    ]


def _place(row: str, key: tuple[str, ...]) -> str:
    return " || '/' || ".join(f"{row}{name}" for name in key)


def _digest(row: str, columns: list[str]) -> str:
    values = (f"typeof({row}{name}), CAST({row}{name} AS BLOB)" for name in columns)
    return f"molt_digest({', '.join(values)})"
