"""The field by which the documents of a collection expire, and an index of when they do."""

import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.checksums import drop_checksums, keep_checksums
from molt.index.catalog.migrations.columns import owner

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_PLACES = {"collections": ("id",)}


def upgrade() -> None:
    """Add columns and a table; the checksums of the collections are made anew."""
    drop_checksums(_PLACES)
    op.add_column("collections", sa.Column("expiry_field", sa.Text))
    for name in ("expiry_revision", "expired"):
        none = sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))
        op.add_column("collections", none)
    _create_expiries()
    keep_checksums(_PLACES)


def _create_expiries() -> None:
    op.create_table(
        "expiries",
        owner(),
        sa.Column("ordinal", sa.BigInteger, primary_key=True),
        sa.Column("at", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_index("expiries_by_moment", "expiries", ["collection_id", "at", "ordinal"])
