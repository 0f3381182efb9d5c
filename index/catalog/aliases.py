"""Aliases and names: what stands for a model, and what people call a checkpoint. Knows no files.

An alias is a model that clients ask for, such as `default`; where it stands for a collection it is
another name of that, too. No alias has the name of a collection,
and no collection that of an alias: both name models. Only `default` may be both. A name is what
people call one checkpoint, wherever its id is asked for.
"""

import re
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, delete, insert, select

from molt.artifact import match_id
from molt.index.catalog.fields import check_id, is_id
from molt.index.catalog.storage.database import Database
from molt.index.catalog.tables import aliases, checkpoint_names, collections
from molt.index.errors import AliasNotFoundError, InvalidFieldError, NameTakenError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_LIKE_AN_ID = re.compile(r"[0-9a-f]+")

DEFAULT = "default"
"""The alias that new collections and `default` among the models stand for."""


class Aliases:
    """What each alias stands for: `default` for a checkpoint, others for any model's name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> str | None:
        """What `name` stands for, or None where nobody has set it."""
        if not is_id(name):
            return None
        with self._database.reading() as connection:
            found = connection.scalar(select(aliases.c.checkpoint).where(aliases.c.name == name))
            return None if found is None else str(found)

    def all(self) -> dict[str, str]:
        """What every alias stands for, by name."""
        with self._database.reading() as connection:
            query = select(aliases.c.name, aliases.c.checkpoint).order_by(aliases.c.name)
            return {row.name: row.checkpoint for row in connection.execute(query)}

    def collection_of(self, name: str, *, configured: Mapping[str, str]) -> str:
        """The collection that a name means: itself, or what it is an alias of where that is one.

        Aliases that are `configured` go before those kept here. What is neither stays as it is.
        """
        if not is_id(name):
            return name
        with self._database.reading() as connection:
            if _is_collection(connection, name):
                return name
            kept = connection.scalar(select(aliases.c.checkpoint).where(aliases.c.name == name))
            target = configured.get(name) or kept
            return target if target and _is_collection(connection, target) else name

    def set(self, name: str, target: str) -> None:
        """Let `name` stand for `target` from now on.

        Raises `InvalidFieldError`, and `NameTakenError` where a collection has the name.
        """
        row = {"name": check_id(name, field="alias"), "checkpoint": check_id(target, field="model")}
        with self._database.writing() as connection:
            if name != DEFAULT:
                self._database.lock(connection, aliases)
                _refuse_collection(connection, name)
            connection.execute(self._database.insert_or_update(aliases), row)

    def remove(self, name: str) -> None:
        """Let `name` stand for nothing any more. Raises `AliasNotFoundError`."""
        with self._database.writing() as connection:
            named = delete(aliases).where(aliases.c.name == name) if is_id(name) else None
            if named is None or not connection.execute(named).rowcount:
                raise AliasNotFoundError(
                    f"there is no alias {name[:80]!r}; `molt alias list` shows them"
                )


class CheckpointNames:
    """What people call the checkpoints: each has one name at most."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Mapping[str, str]:
        """The name of each checkpoint that has one, by its id."""
        columns = (checkpoint_names.c.checkpoint, checkpoint_names.c.name)
        with self._database.reading() as connection:
            return {row.checkpoint: row.name for row in connection.execute(select(*columns))}

    def by_name(self) -> dict[str, str]:
        """The id of each checkpoint that has a name, by its name."""
        return {name: checkpoint for checkpoint, name in self.all().items()}

    def set(self, checkpoint: str, name: str | None) -> None:
        """Call a checkpoint so from now on, and no other any more; None takes its name.

        Raises `InvalidFieldError`.
        """
        own = (checkpoint_names.c.checkpoint == checkpoint) | (checkpoint_names.c.name == name)
        if name is not None:
            check_name(name)
        with self._database.writing() as connection:
            connection.execute(delete(checkpoint_names).where(own))
            if name is not None:
                row = {"name": name, "checkpoint": checkpoint}
                connection.execute(insert(checkpoint_names), row)

    def find(self, given: str, ids: Iterable[str]) -> str | None:
        """The one of `ids` that is meant: by itself, by its name, or by how it alone begins.

        Raises `AmbiguousIdError`.
        """
        known = frozenset(ids)
        if given in known:
            return given
        named = self.by_name().get(given)
        if named in known:
            return named
        return match_id(given, known, what="checkpoint")


def check_name(name: str) -> str:
    """A name as it is. Raises `InvalidFieldError` for none, and for what could be an id."""
    if not _NAME.fullmatch(name):
        raise InvalidFieldError(
            "name", "must have 1 to 63 letters, digits, '.', '_' or '-', and begin with the former"
        )
    if name == DEFAULT or _LIKE_AN_ID.fullmatch(name):
        raise InvalidFieldError("name", f"is {name!r}, which could be taken for an id or an alias")
    return name


def refuse_alias(database: Database, connection: Connection, name: str) -> None:
    """Raise `NameTakenError` where an alias has the name that a collection is to have.

    No alias takes it before the transaction ends.
    """
    if name == DEFAULT:
        return
    database.lock(connection, aliases)
    query = select(aliases.c.name).where(aliases.c.name == name)
    refuse_names(name, connection.scalars(query).all())


def refuse_names(name: str, taken: Collection[str]) -> None:
    """Raise `NameTakenError` where a collection is to have one of these aliases' names."""
    if name != DEFAULT and name in taken:
        raise NameTakenError(
            f"{name!r} is an alias of a model; choose another name for the collection, or remove "
            "the alias first"
        )


def _refuse_collection(connection: Connection, name: str) -> None:
    if _is_collection(connection, name):
        raise NameTakenError(
            f"there is a collection {name[:80]!r}, which names a model; choose another alias"
        )


def _is_collection(connection: Connection, name: str) -> bool:
    query = select(collections.c.id).where(collections.c.name == name)
    return connection.scalar(query) is not None
