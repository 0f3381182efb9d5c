"""How the texts of a collection become terms and passages, its words mean others, it ranks."""

import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.checksums import drop_checksums, keep_checksums
from molt.index.catalog.migrations.columns import owner

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_CHANGED = {"collections": ("id",), "releases": ("id",), "search_defaults": ("collection_id",)}
"""Tables whose columns change, with what tells their rows apart."""


def upgrade() -> None:
    """Add columns and a table; how searches fuse becomes a part of how they rank.

    The checksums of what changes are made anew.
    """
    drop_checksums(_CHANGED)
    op.add_column("collections", sa.Column("analysis", sa.Text))
    op.add_column("collections", sa.Column("splitting", sa.Text))
    for table in ("collections", "releases"):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN fusion TO ranking")
    none = sa.Column("synonyms", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    op.add_column("search_defaults", none)
    op.create_table(
        "synonyms",
        owner(),
        sa.Column("rules", sa.Text, nullable=False),
    )
    keep_checksums(_CHANGED | {"synonyms": ("collection_id",)})
