"""The field by which the documents of a collection expire, and an index of when they do."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLE, _PLACE = "collections", "id"


def upgrade() -> None:
    """Add columns and a table; the checksums of the collections are made anew."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        for event in ("inserted", "updated", "deleted"):
            op.execute(f"DROP TRIGGER {_TABLE}_{event}")
        op.execute(f"DELETE FROM checksums WHERE kind = '{_TABLE}'")  # noqa: S608  our own name
    op.add_column(_TABLE, sa.Column("expiry_field", sa.Text))
    for name in ("expiry_revision", "expired"):
        none = sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))
        op.add_column(_TABLE, none)
    _create_expiries()
    if is_sqlite:
        columns = sa.inspect(op.get_bind()).get_columns(_TABLE)
        for statement in _statements(sorted(column["name"] for column in columns)):
            op.execute(statement)


def _create_expiries() -> None:
    collection = sa.ForeignKey("collections.id", ondelete="CASCADE")
    op.create_table(
        "expiries",
        sa.Column("collection_id", _SERIAL, collection, primary_key=True, nullable=False),
        sa.Column("ordinal", sa.BigInteger, primary_key=True),
        sa.Column("at", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_index("expiries_by_moment", "expiries", ["collection_id", "at", "ordinal"])


def _statements(columns: list[str]) -> list[str]:
    """The checksums of the collections that are there, and triggers for those to come."""
    new = f"VALUES ('{_TABLE}', NEW.{_PLACE}, {_digest('NEW.', columns)})"
    forget = f"DELETE FROM checksums WHERE kind = '{_TABLE}' AND place = "  # noqa: S608
    keep = f"{forget}NEW.{_PLACE}; INSERT INTO checksums {new};"
    lose = f"{forget}OLD.{_PLACE};"
    selected = f"'{_TABLE}', {_PLACE}, {_digest('', columns)}"
    return [
        f"INSERT INTO checksums SELECT {selected} FROM {_TABLE}",  # noqa: S608
        f"CREATE TRIGGER {_TABLE}_inserted AFTER INSERT ON {_TABLE} BEGIN {keep} END",
        f"CREATE TRIGGER {_TABLE}_updated AFTER UPDATE ON {_TABLE} BEGIN {lose} {keep} END",
        f"CREATE TRIGGER {_TABLE}_deleted AFTER DELETE ON {_TABLE} BEGIN {lose} END",
    ]


def _digest(row: str, columns: list[str]) -> str:
    values = (f"typeof({row}{name}), CAST({row}{name} AS BLOB)" for name in columns)
    return f"molt_digest({', '.join(values)})"
