"""Checksums: SQLite has none of what a row holds, so triggers keep one for each row.

PostgreSQL has checksums of its own for its pages; there the table stays empty.
"""

import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.checksums import keep_checksums

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
    keep_checksums(_PLACES)
