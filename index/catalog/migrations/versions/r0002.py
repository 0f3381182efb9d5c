"""Builds, generations that a job is making and nothing points to yet; failures of jobs."""

import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.columns import MOMENT, owner

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "builds",
        sa.Column("generation", sa.Text, primary_key=True),
        owner(primary=False),
        sa.Column("job", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", MOMENT, nullable=False),
    )
    op.create_table(
        "failures",
        owner(),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
