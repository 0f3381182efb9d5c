"""Accounts of test splits: which candidates were judged on one, and at what level each."""

import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.checksums import keep_checksums
from molt.index.catalog.migrations.columns import MOMENT, owner

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_PLACES = {
    "split_accounts": ("collection_id", "number"),
    "spendings": ("collection_id", "account", "attempt"),
}
"""What tells the rows of each table apart."""


def upgrade() -> None:
    """Add the tables, and the checksums of their rows."""
    op.create_table(
        "split_accounts",
        owner(),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("queries", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "spendings",
        owner(),
        sa.Column("account", sa.BigInteger, primary_key=True),
        sa.Column("attempt", sa.BigInteger, primary_key=True),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("candidate", sa.Text, nullable=False),
        sa.Column("baseline", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("gained", sa.BigInteger),
        sa.Column("report", sa.Text),
    )
    keep_checksums(_PLACES)
