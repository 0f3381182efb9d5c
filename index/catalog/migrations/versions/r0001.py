"""The first catalog: collections, documents, judgments, events, keys, aliases, releases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_IDENTIFIER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create every table in an empty database."""
    _create_collections()
    _create_documents()
    _create_judgments()
    _create_events()
    _create_keys()
    _create_releases()


def _collection(*, primary: bool) -> sa.Column[int]:
    target = sa.ForeignKey("collections.id", ondelete="CASCADE")
    return sa.Column("collection_id", _SERIAL, target, primary_key=primary, nullable=False)


def _create_collections() -> None:
    op.create_table(
        "collections",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column("name", _IDENTIFIER, nullable=False, unique=True),
        sa.Column("created_at", _MOMENT, nullable=False),
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
        _collection(primary=True),
        sa.Column("doc_id", _IDENTIFIER, primary_key=True),
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
        _collection(primary=True),
        sa.Column("revision", sa.BigInteger, primary_key=True),
        sa.Column("ordinal", sa.BigInteger, nullable=False),
    )


def _create_judgments() -> None:
    op.create_table(
        "queries",
        _collection(primary=True),
        sa.Column("query_id", _IDENTIFIER, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("metadata", sa.Text, nullable=False),
    )
    op.create_table(
        "judgments",
        _collection(primary=True),
        sa.Column("query_id", _IDENTIFIER, primary_key=True),
        sa.Column("doc_id", _IDENTIFIER, primary_key=True),
        sa.Column("grade", sa.Integer, nullable=False),
        sa.Column("split", sa.Text),
    )
    op.create_table(
        "pairs",
        _collection(primary=True),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("positive", sa.Text),
        sa.Column("doc_id", _IDENTIFIER),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _SERIAL, primary_key=True),
        _collection(primary=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("action_name", sa.Text, nullable=False),
        sa.Column("query_id", _IDENTIFIER),
        sa.Column("user_id", sa.Text),
        sa.Column("session_id", sa.Text),
        sa.Column("client_id", sa.Text),
        sa.Column("object_id", _IDENTIFIER),
        sa.Column("position", sa.BigInteger),
        sa.Column("rest", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_collection", "events", ["collection_id", "id"])


def _create_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("revoked_at", _MOMENT),
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
        sa.Column("name", _IDENTIFIER, primary_key=True),
        sa.Column("checkpoint", sa.Text, nullable=False),
    )
    op.create_table(
        "releases",
        sa.Column("id", _SERIAL, primary_key=True),
        _collection(primary=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("previous", sa.Text),
        sa.Column("generation", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("report", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("releases_by_collection", "releases", ["collection_id", "id"])
