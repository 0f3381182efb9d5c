"""Accounts of test splits: which candidates were judged on one, and at what level each."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_PLACES = {
    "split_accounts": ("collection_id", "number"),
    "spendings": ("collection_id", "account", "attempt"),
}
"""What tells the rows of each table apart."""


def upgrade() -> None:
    """Add the tables, and the checksums of their rows."""
    op.create_table(
        "split_accounts",
        _collection(),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("queries", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "spendings",
        _collection(),
        sa.Column("account", sa.BigInteger, primary_key=True),
        sa.Column("attempt", sa.BigInteger, primary_key=True),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("candidate", sa.Text, nullable=False),
        sa.Column("baseline", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("gained", sa.BigInteger),
        sa.Column("report", sa.Text),
    )
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
