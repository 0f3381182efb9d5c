"""Pairs keep texts that do not answer, scores, and the split that they are meant for."""

import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.checksums import drop_checksums, keep_checksums

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ADDED = ("negative", "score", "split")
_PLACES = {"pairs": ("collection_id", "digest")}


def upgrade() -> None:
    """Add the columns; the checksums of pairs are made anew."""
    drop_checksums(_PLACES)
    for name in _ADDED:
        op.add_column("pairs", sa.Column(name, sa.Text))
    keep_checksums(_PLACES)
