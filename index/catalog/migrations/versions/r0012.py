"""Use: searches that can be learnt from, and users who are known by pseudonyms alone."""

import secrets
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op

from molt.index.catalog.migrations.checksums import keep_checksums
from molt.index.catalog.migrations.columns import IDENTIFIER, MOMENT, SERIAL, owner

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_PLACES = {"searches": ("id",), "salts": ("number",)}
"""What tells the rows of each table apart."""
_USERS = ("user_id", "session_id", "client_id")
_CHUNK = 2000
_FIRST = 1
"""The number of the first salt."""


def upgrade() -> None:
    """Add the tables with the checksums of their rows, and hash the ids of users in events."""
    op.create_table(
        "searches",
        sa.Column("id", SERIAL, primary_key=True),
        owner(primary=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("query_id", IDENTIFIER, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("conditions", sa.Text),
        sa.Column("generation", sa.Text),
        sa.Column("passed", sa.BigInteger, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("searches_by_query", "searches", ["collection_id", "query_id"])
    op.create_index("searches_by_moment", "searches", ["at"])
    salts = op.create_table(
        "salts",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
    )
    keep_checksums(_PLACES)
    salt = secrets.token_bytes(32)
    if _hash_users(op.get_bind(), salt):
        drawn = {"number": _FIRST, "since": datetime.now(UTC), "salt": salt}
        op.bulk_insert(salts, [drawn])


def _hash_users(connection: sa.Connection, salt: bytes) -> bool:
    """Put a pseudonym in the place of each id of a user; was there any?"""
    names = ("id", *_USERS)
    events = sa.table("events", *map(sa.column, names))
    named = sa.or_(*(events.c[name].is_not(None) for name in _USERS))
    last, found = 0, False
    while True:
        query = sa.select(events).where(named, events.c.id > last).order_by(events.c.id)
        rows = connection.execute(query.limit(_CHUNK)).all()
        if not rows:
            return found
        found, last = True, rows[-1].id
        fresh: dict[str, Any] = {name: sa.bindparam(f"hashed_{name}") for name in _USERS}
        changing = sa.update(events).where(events.c.id == sa.bindparam("event")).values(fresh)
        hashed = [
            {"event": row.id}
            | {f"hashed_{name}": _pseudonym(getattr(row, name), salt) for name in _USERS}
            for row in rows
        ]
        connection.execute(changing, hashed)


def _pseudonym(user: str | None, salt: bytes) -> str | None:
    if user is None:
        return None
    return f"{_FIRST}:{blake2b(user.encode(), key=salt, digest_size=12).hexdigest()}"
