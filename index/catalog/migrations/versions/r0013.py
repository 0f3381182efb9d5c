"""Experiments: two ways to search, what both of them showed, and what clicks said."""

import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.checksums import keep_checksums
from molt.index.catalog.migrations.columns import IDENTIFIER, MOMENT, owner

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_PLACES = {
    "experiments": ("collection_id", "number"),
    "impressions": ("collection_id", "query_id"),
}
"""What tells the rows of each table apart."""


def upgrade() -> None:
    """Add the tables, the checksums of their rows, and how the events of a query are found."""
    op.create_table(
        "experiments",
        owner(),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("a", sa.Text, nullable=False),
        sa.Column("b", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("share", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("started_by", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("searches", sa.BigInteger, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("better", sa.Text),
        sa.Column("ended_at", MOMENT),
        sa.Column("ended_by", sa.Text),
        sa.Column("reason", sa.Text),
    )
    op.create_table(
        "impressions",
        owner(),
        sa.Column("query_id", IDENTIFIER, primary_key=True),
        sa.Column("experiment", sa.BigInteger, nullable=False),
        sa.Column("draw", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("credits", sa.Text, nullable=False),
    )
    of_one = ["collection_id", "experiment"]
    op.create_index("impressions_by_draw", "impressions", [*of_one, "draw"], unique=True)
    op.create_index("impressions_by_moment", "impressions", [*of_one, "at"])
    op.create_index("events_by_query", "events", ["collection_id", "query_id"])
    keep_checksums(_PLACES)
