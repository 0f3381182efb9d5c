"""API keys: who may call, with which role, where and until when. Keeps only the SHA-256 of a key.

A key is 32 random bytes, so a plain hash of it cannot be guessed back and needs no salt.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Select, select, update

from molt.artifact import AmbiguousIdError, match_id
from molt.index.catalog.access.reach import EVERYTHING, Reach
from molt.index.catalog.fields import check_id, is_id
from molt.index.catalog.storage.database import Database
from molt.index.catalog.tables import key_uses, keys
from molt.index.errors import InvalidFieldError, KeyExistsError, KeyNotFoundError

_PREFIX = "molt_"
_SHOWN_CHARS = len(_PREFIX) + 6
_LEAST_CHARS = len(_PREFIX) + 4
"""Fewer of a secret mean no key: all secrets begin alike."""


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
    """What is known of a key: all but its secret, of which `prefix` shows the first characters.

    `used_at` is when it was last used, to within some minutes.
    """

    name: str
    prefix: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None
    id: int = 0
    expires_at: datetime | None = None
    reach: Reach = EVERYTHING
    used_at: datetime | None = None

    @property
    def expired(self) -> bool:
        """Has its time run out?"""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


class Keys:
    """Every API key ever made. The names of the keys in use differ."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        name: str,
        role: Role,
        *,
        expires_at: datetime | None = None,
        reach: Reach = EVERYTHING,
    ) -> str:
        """Make a key and return its secret, which nobody can read again.

        Raises `KeyExistsError` where a key in use has that name, and `InvalidFieldError`.
        """
        now = datetime.now(UTC)
        if expires_at is not None and expires_at <= now:
            raise InvalidFieldError("expires", "is in the past; name a moment to come")
        secret = _PREFIX + secrets.token_urlsafe(32)
        row = {
            "name": check_id(name, field="name"),
            "prefix": secret[:_SHOWN_CHARS],
            "digest": digest_of(secret),
            "role": role.value,
            "created_at": now,
            "expires_at": expires_at,
            "reach": json.dumps(reach.patterns) if reach.patterns else None,
        }
        with self._database.writing() as connection:
            if not self._database.try_insert(connection, keys, row):
                raise KeyExistsError(f"a key {name!r} is in use; revoke it or choose another name")
        return secret

    def verify(self, secret: str) -> Key | None:
        """The key that a secret belongs to, or None where it is unknown, revoked or expired."""
        key = self.in_use().get(digest_of(secret))
        return None if key is None or key.expired else key

    def in_use(self) -> Mapping[bytes, Key]:
        """Every key that is not revoked, expired ones too, by the `digest_of` its secret."""
        query = _KEYS.where(keys.c.revoked_at.is_(None))
        with self._database.reading() as connection:
            return {row.digest: _key(row) for row in connection.execute(query)}

    def note_use(self, key_id: int) -> None:
        """Write down that a key was used just now."""
        row = {"key_id": key_id, "at": datetime.now(UTC)}
        with self._database.writing() as connection:
            connection.execute(self._database.insert_or_update(key_uses), row)

    def revoke(self, name: str) -> str:
        """End the use of a key at once, by its name or a beginning of it or of its secret.

        Returns its name. Raises `KeyNotFoundError`, and `AmbiguousIdError` for a beginning of more.
        """
        found = self._in_use_name(name) if is_id(name) else None
        in_use = (keys.c.name == found, keys.c.revoked_at.is_(None))
        end = update(keys).where(*in_use).values(revoked_at=datetime.now(UTC))
        with self._database.writing() as connection:
            ended = connection.execute(end).rowcount if found is not None else 0
        if found is None or not ended:
            raise KeyNotFoundError(f"no key {name[:80]!r} is in use")
        return found

    def list(self) -> tuple[Key, ...]:
        """All keys, revoked ones too, oldest first."""
        with self._database.reading() as connection:
            return tuple(_key(row) for row in connection.execute(_KEYS.order_by(keys.c.id)))

    def _in_use_name(self, given: str) -> str | None:
        in_use = self.in_use().values()
        names = {key.name for key in in_use}
        if given in names:
            return given
        by_name = match_id(given, names, what="key")
        meant = set() if by_name is None else {by_name}
        if len(given) >= _LEAST_CHARS:
            meant |= {key.name for key in in_use if key.prefix.startswith(given)}
        if len(meant) > 1:
            some = ", ".join(sorted(meant))
            raise AmbiguousIdError(
                f"several keys begin with {given[:80]!r}: {some}; write more of it"
            )
        return next(iter(meant), None)


def digest_of(secret: str) -> bytes:
    """What is kept of a secret, of any text in fact."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


_KEYS: Select[Any] = select(keys, key_uses.c.at).outerjoin(key_uses, key_uses.c.key_id == keys.c.id)


def _key(row: Row[Any]) -> Key:
    return Key(
        name=row.name,
        prefix=row.prefix,
        role=Role(row.role),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
        id=row.id,
        expires_at=row.expires_at,
        reach=Reach(tuple(json.loads(row.reach))) if row.reach else EVERYTHING,
        used_at=row.at,
    )
