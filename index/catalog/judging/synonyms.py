"""Synonyms as the catalog keeps them: the JSON of a collection's rules, with a version.

What a rule may be, and what searches make of it, is the lexical index's.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from molt.index.catalog import tables
from molt.index.catalog.collection import Collection, find_collection, lock_collection
from molt.index.catalog.judging.curations import change_defaults, read_defaults
from molt.index.catalog.storage.database import Database
from molt.index.errors import PreconditionFailedError

_COLUMNS = tables.synonyms.c


@dataclass(frozen=True)
class KeptRules:
    """The JSON of a collection's rules, None where it has none; the version counts its changes."""

    version: int = 0
    rules: str | None = None


class SynonymRules:
    """The synonyms of every collection of the catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, collection: Collection) -> KeptRules:
        """Those of a collection, with their version, as they were at one moment."""
        with self._database.reading() as connection:
            return _read(connection, collection)

    def named(self, name: str) -> KeptRules:
        """As `get`, by a collection's name. Raises `CollectionNotFoundError`."""
        with self._database.reading() as connection:
            return _read(connection, find_collection(connection, name))

    def put(
        self, name: str, rules: str | None, *, match: frozenset[int] | None = None
    ) -> KeptRules:
        """Keep these rules in place of all that were there, at once; as they are kept.

        Raises `CollectionNotFoundError`, and `PreconditionFailedError` where the version is none of
        those in `match`.
        """
        with self._database.writing() as connection:
            collection = lock_collection(connection, name)
            former = _read(connection, collection)
            if match is not None and former.version not in match:
                raise PreconditionFailedError(
                    f"the synonyms of {name!r} have been changed, they are at version "
                    f"{former.version}; read them again and decide anew",
                    revision=former.version,
                )
            if rules == former.rules:
                return former
            own = _COLUMNS.collection_id == collection.id
            connection.execute(tables.synonyms.delete().where(own))
            if rules is not None:
                row = {"collection_id": collection.id, "rules": rules}
                connection.execute(tables.synonyms.insert(), row)
            after = change_defaults(self._database, connection, collection, synonyms=True)
            return KeptRules(after.synonyms, rules)


def _read(connection: Connection, collection: Collection) -> KeptRules:
    own = _COLUMNS.collection_id == collection.id
    rules = connection.scalar(select(_COLUMNS.rules).where(own))
    return KeptRules(read_defaults(connection, collection).synonyms, rules)
