"""The tables of experiments, as the newest migration leaves them. Holds no queries."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from molt.index.catalog.storage.columns import (
    Fraction,
    Identifier,
    Moment,
    catalog_metadata,
    owner_column,
)

experiments = Table(
    "experiments",
    catalog_metadata,
    owner_column(primary=True),
    Column("number", BigInteger, primary_key=True),
    Column("a", Text, nullable=False),
    Column("b", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("share", Fraction, nullable=False),
    Column("level", Fraction, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("searches", BigInteger, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("better", Text),
    Column("ended_at", Moment),
    Column("ended_by", Text),
    Column("reason", Text),
)

impressions = Table(
    "impressions",
    catalog_metadata,
    owner_column(primary=True),
    Column("query_id", Identifier, primary_key=True),
    Column("experiment", BigInteger, nullable=False),
    Column("draw", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("credits", Text, nullable=False),
    Index("impressions_by_draw", "collection_id", "experiment", "draw", unique=True),
    Index("impressions_by_moment", "collection_id", "experiment", "at"),
)
"""What interleaved answers showed whose clicks still count; a row goes when it has been counted."""
