"""The first catalog: collections, documents, judgments, events, keys, aliases, releases."""

import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.columns import IDENTIFIER, MOMENT, SERIAL, owner

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table in an empty database."""
    _create_collections()
    _create_documents()
    _create_judgments()
    _create_events()
    _create_keys()
    _create_releases()


def _create_collections() -> None:
    op.create_table(
        "collections",
        sa.Column("id", SERIAL, primary_key=True),
        sa.Column("name", IDENTIFIER, nullable=False, unique=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("next_ordinal", sa.BigInteger, nullable=False),
        sa.Column("documents", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.Text),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )


def _create_documents() -> None:
    op.create_table(
        "documents",
        owner(),
        sa.Column("doc_id", IDENTIFIER, primary_key=True),
        sa.Column("ordinal", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
    )
    op.create_index("documents_by_ordinal", "documents", ["collection_id", "ordinal"], unique=True)
    op.create_index(
        "documents_by_revision", "documents", ["collection_id", "revision", "ordinal"], unique=True
    )
    op.create_table(
        "tombstones",
        owner(),
        sa.Column("revision", sa.BigInteger, primary_key=True),
        sa.Column("ordinal", sa.BigInteger, nullable=False),
    )


def _create_judgments() -> None:
    op.create_table(
        "queries",
        owner(),
        sa.Column("query_id", IDENTIFIER, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
    )
    op.create_table(
        "judgments",
        owner(),
        sa.Column("query_id", IDENTIFIER, primary_key=True),
        sa.Column("doc_id", IDENTIFIER, primary_key=True),
        sa.Column("grade", sa.Integer, nullable=False),
        sa.Column("split", sa.Text),
    )
    op.create_table(
        "pairs",
        owner(),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("positive", sa.Text),
        sa.Column("doc_id", IDENTIFIER),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", SERIAL, primary_key=True),
        owner(primary=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("action_name", sa.Text, nullable=False),
        sa.Column("query_id", IDENTIFIER),
        sa.Column("user_id", sa.Text),
        sa.Column("session_id", sa.Text),
        sa.Column("client_id", sa.Text),
        sa.Column("object_id", IDENTIFIER),
        sa.Column("position", sa.BigInteger),
        sa.Column("rest", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_collection", "events", ["collection_id", "id"])


def _create_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", SERIAL, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT),
        sqlite_autoincrement=True,
    )
    unrevoked = sa.text("revoked_at IS NULL")
    op.create_index(
        "keys_by_name",
        "keys",
        ["name"],
        unique=True,
        sqlite_where=unrevoked,
        postgresql_where=unrevoked,
    )


def _create_releases() -> None:
    op.create_table(
        "aliases",
        sa.Column("name", IDENTIFIER, primary_key=True),
        sa.Column("checkpoint", sa.Text, nullable=False),
    )
    op.create_table(
        "releases",
        sa.Column("id", SERIAL, primary_key=True),
        owner(primary=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("previous", sa.Text),
        sa.Column("generation", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("report", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("releases_by_collection", "releases", ["collection_id", "id"])
