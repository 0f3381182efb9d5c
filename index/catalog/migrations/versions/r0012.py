"""Use: searches that can be learnt from, and users who are known by pseudonyms alone."""

import secrets
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_IDENTIFIER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_MOMENT = sa.DateTime(timezone=True)
_PLACES = {"searches": "id", "salts": "number"}
"""What tells the rows of each table apart."""
_USERS = ("user_id", "session_id", "client_id")
_CHUNK = 2000
_FIRST = 1
"""The number of the first salt."""


def upgrade() -> None:
    """Add the tables with the checksums of their rows, and hash the ids of users in events."""
    collection = sa.ForeignKey("collections.id", ondelete="CASCADE")
    op.create_table(
        "searches",
        sa.Column("id", _SERIAL, primary_key=True),
        sa.Column("collection_id", _SERIAL, collection, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("query_id", _IDENTIFIER, nullable=False),
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
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        inspector = sa.inspect(op.get_bind())
        for name, key in _PLACES.items():
            columns = sorted(column["name"] for column in inspector.get_columns(name))
            for statement in _statements(name, key, columns):
                op.execute(statement)
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


def _statements(name: str, key: str, columns: list[str]) -> list[str]:
    """Triggers that keep a checksum of each row to come."""
    forget = f"DELETE FROM checksums WHERE kind = '{name}' AND place = "  # noqa: S608  our own names
    add = f"INSERT INTO checksums VALUES ('{name}', NEW.{key}, {_digest('NEW.', columns)})"  # noqa: S608
    keep, lose = f"{forget}NEW.{key}; {add};", f"{forget}OLD.{key};"
    return [
        f"CREATE TRIGGER {name}_inserted AFTER INSERT ON {name} BEGIN {keep} END",
        f"CREATE TRIGGER {name}_updated AFTER UPDATE ON {name} BEGIN {lose} {keep} END",
        f"CREATE TRIGGER {name}_deleted AFTER DELETE ON {name} BEGIN {lose} END",
    ]


def _digest(row: str, columns: list[str]) -> str:
    values = (f"typeof({row}{name}), CAST({row}{name} AS BLOB)" for name in columns)
    return f"molt_digest({', '.join(values)})"
