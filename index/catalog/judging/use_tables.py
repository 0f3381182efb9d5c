"""The tables of use, as the newest migration leaves them: searches, and salts. Holds no queries."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from molt.index.catalog.storage.columns import (
    Identifier,
    Moment,
    Serial,
    catalog_metadata,
    owner_column,
)

searches = Table(
    "searches",
    catalog_metadata,
    Column("id", Serial, primary_key=True),
    owner_column(primary=False),
    Column("at", Moment, nullable=False),
    Column("query_id", Identifier, nullable=False),
    Column("query", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("conditions", Text),  # the JSON of its filter
    Column("generation", Text),
    Column("passed", BigInteger, nullable=False),  # hits before the first one that is shown
    Column("shown", Text, nullable=False),  # the ids of the hits as a JSON array
    Index("searches_by_query", "collection_id", "query_id"),
    Index("searches_by_moment", "at"),
    sqlite_autoincrement=True,
)
"""Searches that were answered, for as long as they can be learnt from."""

salts = Table(
    "salts",
    catalog_metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("since", Moment, nullable=False),
    Column("salt", LargeBinary, nullable=False),
)
"""By what users are made pseudonyms, the newest with the highest number."""
