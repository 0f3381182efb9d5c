"""How a collection fuses what words and meaning find, now and after each of its releases."""

import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.checksums import drop_checksums, keep_checksums

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_PLACES = {"collections": ("id",), "releases": ("id",)}


def upgrade() -> None:
    """Add a column to both tables; their checksums are made anew."""
    drop_checksums(_PLACES)
    for table in _PLACES:
        op.add_column(table, sa.Column("fusion", sa.Text))
    keep_checksums(_PLACES)
