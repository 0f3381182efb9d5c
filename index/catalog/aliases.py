"""Aliases and names: what stands for a checkpoint. Knows ids, not checkpoints.

An alias is a model that clients ask for, such as `default`; a name is what people call one
checkpoint, wherever its id is asked for.
"""

import re
from collections.abc import Iterable, Mapping

from sqlalchemy import delete, insert, select

from molt.artifact import match_id
from molt.index.catalog.fields import check_id, is_id
from molt.index.catalog.storage.database import Database
from molt.index.catalog.tables import aliases, checkpoint_names
from molt.index.errors import InvalidFieldError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_LIKE_AN_ID = re.compile(r"[0-9a-f]+")

DEFAULT = "default"
"""The alias that new collections and `default` among the models stand for."""


class Aliases:
    """Which checkpoint each alias stands for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> str | None:
        """The checkpoint id behind `name`, or None where nobody has set it."""
        if not is_id(name):
            return None
        with self._database.reading() as connection:
            found = connection.scalar(select(aliases.c.checkpoint).where(aliases.c.name == name))
            return None if found is None else str(found)

    def all(self) -> Mapping[str, str]:
        """The checkpoint behind every alias."""
        with self._database.reading() as connection:
            found = connection.execute(select(aliases.c.name, aliases.c.checkpoint))
            return {row.name: row.checkpoint for row in found}

    def set(self, name: str, checkpoint: str) -> None:
        """Let `name` stand for `checkpoint` from now on. Raises `InvalidFieldError`."""
        row = {
            "name": check_id(name, field="alias"),
            "checkpoint": check_id(checkpoint, field="checkpoint"),
        }
        with self._database.writing() as connection:
            connection.execute(self._database.insert_or_update(aliases), row)


class CheckpointNames:
    """What people call the checkpoints: each has one name at most."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Mapping[str, str]:
        """The name of each checkpoint that has one, by its id."""
        columns = (checkpoint_names.c.checkpoint, checkpoint_names.c.name)
        with self._database.reading() as connection:
            return {row.checkpoint: row.name for row in connection.execute(select(*columns))}

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
        named = {name: checkpoint for checkpoint, name in self.all().items()}
        if named.get(given) in known:
            return named[given]
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
