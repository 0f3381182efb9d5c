"""API keys: who may call, and with which role. Keeps only the SHA-256 of a key.

A key is 32 random bytes, so a plain hash of it cannot be guessed back and needs no salt.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select, update

from molt.index.catalog.fields import check_id, is_id
from molt.index.catalog.storage.database import Database
from molt.index.catalog.tables import keys
from molt.index.errors import KeyExistsError, KeyNotFoundError

_PREFIX = "molt_"
_SHOWN_CHARS = len(_PREFIX) + 6


class Role(StrEnum):
    """What a key allows. Roles are ordered: read < write < admin, and each includes the lesser."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """0 for read, 1 for write, 2 for admin."""
        return tuple(Role).index(self)

    def __lt__(self, other: str) -> bool:
        return self.rank < Role(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Role(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Role(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Role(other).rank


@dataclass(frozen=True)
class Key:
    """What is known of a key: all but its secret, of which `prefix` shows the first characters."""

    name: str
    prefix: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


class Keys:
    """Every API key ever made. The names of the keys in use differ."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, role: Role) -> str:
        """Make a key and return its secret, which nobody can read again.

        Raises `KeyExistsError` where a key in use has that name, and `InvalidFieldError`.
        """
        secret = _PREFIX + secrets.token_urlsafe(32)
        row = {
            "name": check_id(name, field="name"),
            "prefix": secret[:_SHOWN_CHARS],
            "digest": digest_of(secret),
            "role": role.value,
            "created_at": datetime.now(UTC),
        }
        with self._database.writing() as connection:
            if not self._database.try_insert(connection, keys, row):
                raise KeyExistsError(f"a key {name!r} is in use; revoke it or choose another name")
        return secret

    def verify(self, secret: str) -> Key | None:
        """The key that a secret belongs to, or None where it is unknown or revoked."""
        return self.in_use().get(digest_of(secret))

    def in_use(self) -> Mapping[bytes, Key]:
        """Every key that opens something, by the `digest_of` its secret."""
        query = select(keys).where(keys.c.revoked_at.is_(None))
        with self._database.reading() as connection:
            return {row.digest: _key(row) for row in connection.execute(query)}

    def revoke(self, name: str) -> None:
        """End the use of a key at once. Raises `KeyNotFoundError`."""
        in_use = (keys.c.name == name, keys.c.revoked_at.is_(None))
        end = update(keys).where(*in_use).values(revoked_at=datetime.now(UTC))
        with self._database.writing() as connection:
            ended = connection.execute(end).rowcount if is_id(name) else 0
        if not ended:
            raise KeyNotFoundError(f"no key {name[:80]!r} is in use")

    def list(self) -> tuple[Key, ...]:
        """All keys, revoked ones too, oldest first."""
        with self._database.reading() as connection:
            return tuple(_key(row) for row in connection.execute(select(keys).order_by(keys.c.id)))


def digest_of(secret: str) -> bytes:
    """What is kept of a secret, of any text in fact."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def _key(row: Row[tuple[Any, ...]]) -> Key:
    return Key(row.name, row.prefix, Role(row.role), row.created_at, row.revoked_at)
