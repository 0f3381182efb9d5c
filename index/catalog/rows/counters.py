"""Counters of a collection: revisions, ordinals and documents.

Whoever changes documents locks the counters first, so that writers of one collection take turns,
and writes them back in the same transaction.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from molt.index.catalog.collection import Collection
from molt.index.catalog.tables import collections
from molt.index.errors import CollectionNotFoundError


@dataclass(frozen=True)
class Counters:
    """The last revision given, the next ordinal to give, and the number of live documents."""

    revision: int
    next_ordinal: int
    documents: int

    def moved(self, *, changed: int, added: int = 0, deleted: int = 0) -> "Counters":
        """The counters after so many changes of documents, of which so many were added."""
        return Counters(
            self.revision + changed + deleted,
            self.next_ordinal + added,
            self.documents + added - deleted,
        )


def lock_counters(connection: Connection, collection: Collection) -> Counters:
    """Read the counters and keep other writers out until the transaction ends.

    Raises `CollectionNotFoundError` where the collection was deleted in the meantime.
    """
    columns = (collections.c.revision, collections.c.next_ordinal, collections.c.documents)
    query = select(*columns).where(collections.c.id == collection.id).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise CollectionNotFoundError(f"the collection {collection.name!r} has been deleted")
    return Counters(*row)


def write_counters(connection: Connection, collection: Collection, counters: Counters) -> None:
    """Put the counters back."""
    connection.execute(
        update(collections)
        .where(collections.c.id == collection.id)
        .values(
            revision=counters.revision,
            next_ordinal=counters.next_ordinal,
            documents=counters.documents,
        )
    )
