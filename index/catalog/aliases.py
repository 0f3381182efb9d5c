"""Aliases: names that stand for a checkpoint, such as `default`. Knows ids, not checkpoints."""

from sqlalchemy import select

from molt.index.catalog.fields import check_id, is_id
from molt.index.catalog.storage.database import Database
from molt.index.catalog.tables import aliases

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

    def set(self, name: str, checkpoint: str) -> None:
        """Let `name` stand for `checkpoint` from now on. Raises `InvalidFieldError`."""
        row = {
            "name": check_id(name, field="alias"),
            "checkpoint": check_id(checkpoint, field="checkpoint"),
        }
        with self._database.writing() as connection:
            connection.execute(self._database.insert_or_update(aliases), row)
