"""Keys with an expiry and a reach, the audit log, names, and alarms that were taken back."""

import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.checksums import drop_checksums, keep_checksums
from molt.index.catalog.migrations.columns import IDENTIFIER, MOMENT, SERIAL

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

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
    drop_checksums(_CHANGED)
    _add_columns()
    _create_tables()
    keep_checksums(_PLACES)


def _add_columns() -> None:
    op.add_column("keys", sa.Column("expires_at", MOMENT))
    op.add_column("keys", sa.Column("reach", sa.Text))
    op.add_column("releases", sa.Column("name", sa.Text))
    op.add_column("failures", sa.Column("dismissed_at", MOMENT))


def _create_tables() -> None:
    key = sa.ForeignKey("keys.id", ondelete="CASCADE")
    op.create_table(
        "key_uses",
        sa.Column("key_id", SERIAL, key, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "audit",
        sa.Column("id", SERIAL, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
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
        sa.Column("name", IDENTIFIER, primary_key=True),
        sa.Column("checkpoint", sa.Text, nullable=False, unique=True),
    )
