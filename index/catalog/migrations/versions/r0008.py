"""Curations of queries, and what searches of a collection do where they say nothing else."""

import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.checksums import keep_checksums
from molt.index.catalog.migrations.columns import owner

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_PLACES = {
    "curations": ("collection_id", "digest"),
    "search_defaults": ("collection_id",),
}
"""What tells the rows of each table apart."""


def upgrade() -> None:
    """Add the tables, and the checksums of their rows."""
    op.create_table(
        "curations",
        owner(),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("pinned", sa.Text, nullable=False),
        sa.Column("hidden", sa.Text, nullable=False),
    )
    op.create_table(
        "search_defaults",
        owner(),
        sa.Column("curated", sa.BigInteger, nullable=False),
        sa.Column("boosts", sa.Text),
    )
    keep_checksums(_PLACES)
