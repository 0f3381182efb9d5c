"""Pseudonyms: users as the catalog keeps them, by hashes of their ids that nobody can turn back.

A salt is drawn anew every month, so a user has another pseudonym then, and is forgotten after about
a year: from then on nobody can tell whose an event was, not even who knows the id.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from sqlalchemy import Connection, delete, select

from molt.index.catalog.judging.use_tables import salts
from molt.index.catalog.storage.database import Database

ROTATION = timedelta(days=30)
"""How long one salt is used."""
MOST_SALTS = 13
"""How many are known at once, the one in use among them."""
_SALT_BYTES = 32
_DIGEST_BYTES = 12


@dataclass(frozen=True)
class Salt:
    """What ids are hashed with for a while."""

    number: int
    key: bytes

    def pseudonym(self, user: str) -> str:
        """The number of the salt and 24 hexadecimal digits (keyed BLAKE2b), alike for one user."""
        digest = blake2b(user.encode(), key=self.key, digest_size=_DIGEST_BYTES).hexdigest()
        return f"{self.number}:{digest}"


def salt_number(pseudonym: str) -> str:
    """Which salt a pseudonym was made with: under two of them one user counts as two."""
    return pseudonym.partition(":")[0]


def salt_in_use(database: Database, connection: Connection, *, now: datetime) -> Salt:
    """The newest salt, drawn anew where that is a month old; the oldest are forgotten then."""
    columns = (salts.c.number, salts.c.since, salts.c.salt)
    newest = select(*columns).order_by(salts.c.number.desc()).limit(1)
    found = connection.execute(newest).one_or_none()
    if found is None or now - found.since >= ROTATION:
        number = 1 if found is None else found.number + 1
        drawn = {"number": number, "since": now, "salt": secrets.token_bytes(_SALT_BYTES)}
        database.try_insert(connection, salts, drawn)  # another one may have drawn it meanwhile
        connection.execute(delete(salts).where(salts.c.number <= number - MOST_SALTS))
        found = connection.execute(newest).one()
    return Salt(found.number, found.salt)


def pseudonyms_of(connection: Connection, user: str) -> list[str]:
    """Every pseudonym that an id can have in what is kept, as far as its salts are known."""
    known = connection.execute(select(salts.c.number, salts.c.salt))
    return [Salt(row.number, row.salt).pseudonym(user) for row in known]
