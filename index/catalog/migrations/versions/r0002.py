"""Builds, generations that a job is making and nothing points to yet; failures of jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "builds",
        sa.Column("generation", sa.Text, primary_key=True),
        _collection(primary=False),
        sa.Column("job", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", _MOMENT, nullable=False),
    )
    op.create_table(
        "failures",
        _collection(primary=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
    )


def _collection(*, primary: bool) -> sa.Column[int]:
    target = sa.ForeignKey("collections.id", ondelete="CASCADE")
    return sa.Column("collection_id", _SERIAL, target, primary_key=primary, nullable=False)
