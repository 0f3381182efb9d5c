"""Keys with an expiry and a reach, the audit log, names, and alarms that were taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_IDENTIFIER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)
_PLACES = {
    "keys": ("id",),
    "releases": ("id",),
    "failures": ("collection_id", "kind"),
    "key_uses": ("key_id",),
    "audit": ("id",),
    "checkpoint_names": ("name",),
}
"""What tells the rows apart, of each table whose checksums are made here."""
_CHANGED = ("keys", "releases", "failures")


def upgrade() -> None:
    """Add columns and tables; the checksums of what is changed are made anew."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        for name in _CHANGED:
            for event in ("inserted", "updated", "deleted"):
                op.execute(f"DROP TRIGGER {name}_{event}")
            op.execute(f"DELETE FROM checksums WHERE kind = '{name}'")  # noqa: S608  our own names
    _add_columns()
    _create_tables()
    if not is_sqlite:
        return
    inspector = sa.inspect(op.get_bind())
    for name, key in _PLACES.items():
        columns = sorted(column["name"] for column in inspector.get_columns(name))
        for statement in _statements(name, key, columns):
            op.execute(statement)


def _add_columns() -> None:
    op.add_column("keys", sa.Column("expires_at", _MOMENT))
    op.add_column("keys", sa.Column("reach", sa.Text))
    op.add_column("releases", sa.Column("name", sa.Text))
    op.add_column("failures", sa.Column("dismissed_at", _MOMENT))


def _create_tables() -> None:
    key = sa.ForeignKey("keys.id", ondelete="CASCADE")
    op.create_table(
        "key_uses",
        sa.Column("key_id", _SERIAL, key, primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("key_id", sa.BigInteger),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "checkpoint_names",
        sa.Column("name", _IDENTIFIER, primary_key=True),
        sa.Column("checkpoint", sa.Text, nullable=False, unique=True),
    )


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
    return " || '/' || ".join(f"{row}{name}" for name in key)


def _digest(row: str, columns: list[str]) -> str:
    values = (f"typeof({row}{name}), CAST({row}{name} AS BLOB)" for name in columns)
    return f"molt_digest({', '.join(values)})"
