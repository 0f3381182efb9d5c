"""Columns as migrations make them. What one did it has to go on doing: none of these may change."""

import sqlalchemy as sa

IDENTIFIER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def owner(*, primary: bool = True) -> sa.Column[int]:
    """The collection that a row belongs to, and goes with."""
    target = sa.ForeignKey("collections.id", ondelete="CASCADE")
    return sa.Column("collection_id", SERIAL, target, primary_key=primary, nullable=False)
