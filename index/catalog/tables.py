"""The catalog's tables, as the newest migration leaves them. Holds no queries."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from molt.index.catalog.judging import use_tables as _of_use  # noqa: F401  joins them
from molt.index.catalog.judging.experiments import tables as _of_experiments  # noqa: F401  joins them
from molt.index.catalog.storage.columns import (
    Fraction,
    Identifier,
    Moment,
    RankingColumn,
    Serial,
    SplittingColumn,
    catalog_metadata,
    owner_column,
)

metadata = catalog_metadata
"""Of all tables, those of experiments and of use among them."""

collections = Table(
    "collections",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("name", Identifier, nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("next_ordinal", BigInteger, nullable=False),
    Column("documents", BigInteger, nullable=False),
    Column("generation", Text),
    Column("epoch", BigInteger, nullable=False),
    Column("expiry_field", Text),
    Column("expiry_revision", BigInteger, nullable=False, server_default=text("0")),
    Column("expired", BigInteger, nullable=False, server_default=text("0")),
    Column("ranking", RankingColumn),
    Column("analysis", Text),
    Column("splitting", SplittingColumn),
    sqlite_autoincrement=True,  # the id of a deleted collection is never given to another
)

documents = Table(
    "documents",
    metadata,
    owner_column(primary=True),
    Column("doc_id", Identifier, primary_key=True),
    Column("ordinal", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Index("documents_by_ordinal", "collection_id", "ordinal", unique=True),
    # Holds all that liveness asks for, so that it never reads a text.
    Index("documents_by_revision", "collection_id", "revision", "ordinal", unique=True),
)

tombstones = Table(
    "tombstones",
    metadata,
    owner_column(primary=True),
    Column("revision", BigInteger, primary_key=True),
    Column("ordinal", BigInteger, nullable=False),
)

expiries = Table(
    "expiries",
    metadata,
    owner_column(primary=True),
    Column("ordinal", BigInteger, primary_key=True),
    Column("at", BigInteger),
    Index("expiries_by_moment", "collection_id", "at", "ordinal"),
    sqlite_with_rowid=False,
)
"""When documents expire, in microseconds since 1970; null where what says so is no date."""

queries = Table(
    "queries",
    metadata,
    owner_column(primary=True),
    Column("query_id", Identifier, primary_key=True),
    Column("text", Text, nullable=False),
    Column("metadata", Text, nullable=False),
)

judgments = Table(
    "judgments",
    metadata,
    owner_column(primary=True),
    # Of both ids, which together may be more than PostgreSQL can index.
    Column("digest", LargeBinary, primary_key=True),
    Column("query_id", Identifier, nullable=False),
    Column("doc_id", Identifier, nullable=False),
    Column("grade", Integer, nullable=False),
    Column("split", Text),
)

pairs = Table(
    "pairs",
    metadata,
    owner_column(primary=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("query", Text, nullable=False),
    Column("positive", Text),
    Column("doc_id", Identifier),
    Column("negative", Text),
    Column("score", Fraction),
    Column("split", Text),
)

events = Table(
    "events",
    metadata,
    Column("id", Serial, primary_key=True),
    owner_column(primary=False),
    Column("at", Moment, nullable=False),
    Column("action_name", Text, nullable=False),
    Column("query_id", Identifier),
    Column("user_id", Text),
    Column("session_id", Text),
    Column("client_id", Text),
    Column("object_id", Identifier),
    Column("position", BigInteger),
    Column("rest", Text, nullable=False),
    Index("events_by_collection", "collection_id", "id"),
    Index("events_by_query", "collection_id", "query_id"),
    sqlite_autoincrement=True,
)

curations = Table(
    "curations",
    metadata,
    owner_column(primary=True),
    Column("digest", LargeBinary, primary_key=True),  # of the query
    Column("query", Text, nullable=False),
    Column("pinned", Text, nullable=False),
    Column("hidden", Text, nullable=False),
)

search_defaults = Table(
    "search_defaults",
    metadata,
    owner_column(primary=True),
    Column("curated", BigInteger, nullable=False),
    Column("boosts", Text),
    Column("synonyms", BigInteger, nullable=False, server_default=text("0")),
)

synonyms = Table(
    "synonyms",
    metadata,
    owner_column(primary=True),
    Column("rules", Text, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("expires_at", Moment),
    Column("reach", Text),
    # A name can be given again once its key is revoked.
    Index(
        "keys_by_name",
        "name",
        unique=True,
        # In PostgreSQL too, by its migration: to say so here would load its dialect everywhere.
        sqlite_where=text("revoked_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

key_uses = Table(
    "key_uses",
    metadata,
    Column("key_id", Serial, ForeignKey("keys.id", ondelete="CASCADE"), primary_key=True),
    Column("at", Moment, nullable=False),
)
"""When each key was last used: apart from the keys, since it is written often."""

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("key_id", BigInteger),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)

checkpoint_names = Table(
    "checkpoint_names",
    metadata,
    Column("name", Identifier, primary_key=True),
    Column("checkpoint", Text, nullable=False, unique=True),
)

aliases = Table(
    "aliases",
    metadata,
    Column("name", Identifier, primary_key=True),
    Column("checkpoint", Text, nullable=False),
)

releases = Table(
    "releases",
    metadata,
    Column("id", Serial, primary_key=True),
    owner_column(primary=False),
    Column("at", Moment, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("previous", Text),
    Column("generation", Text),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("report", Text),
    Column("name", Text),
    Column("ranking", RankingColumn),
    Index("releases_by_collection", "collection_id", "id"),
    sqlite_autoincrement=True,
)

builds = Table(
    "builds",
    metadata,
    Column("generation", Text, primary_key=True),
    owner_column(primary=False),
    Column("job", Text, nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
)

failures = Table(
    "failures",
    metadata,
    owner_column(primary=True),
    Column("kind", Text, primary_key=True),
    Column("job", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("dismissed_at", Moment),
)

split_accounts = Table(
    "split_accounts",
    metadata,
    owner_column(primary=True),
    Column("number", BigInteger, primary_key=True),
    Column("opened_at", Moment, nullable=False),
    Column("digest", Text, nullable=False),
    Column("queries", LargeBinary, nullable=False),  # a hash of 8 bytes of each
)

spendings = Table(
    "spendings",
    metadata,
    owner_column(primary=True),
    Column("account", BigInteger, primary_key=True),
    Column("attempt", BigInteger, primary_key=True),
    Column("level", Fraction, nullable=False),
    Column("candidate", Text, nullable=False),
    Column("baseline", Text, nullable=False),
    Column("digest", Text, nullable=False),  # of the split as it was then
    Column("at", Moment, nullable=False),
    Column("gained", BigInteger),
    Column("report", Text),
)

checksums = Table(
    "checksums",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("place", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""One for each row of the others; SQLite's triggers write them, and PostgreSQL has none."""

UNPROVEN = (checksums, expiries)
"""Tables whose rows have no checksum: they say nothing that others do not say, too."""
