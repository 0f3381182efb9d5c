"""Collections: their names, counters and pointers. Documents themselves are kept elsewhere.

Whoever changes documents locks the counters first, so that writers of one collection take turns,
and writes them back in the same transaction.
"""

import re
from collections.abc import Collection as AnyCollection
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, select, update

from molt.artifact import faultpoint
from molt.index.catalog.aliases import check_name, refuse_alias, refuse_names
from molt.index.catalog.releases import (
    UNEXPLAINED,
    Reason,
    Release,
    name_release,
    read_former,
    read_released_reports,
    read_releases,
    record_release,
    released_as,
)
from molt.index.catalog.storage.database import Database
from molt.index.catalog.tables import collections
from molt.index.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    InvalidNameError,
    PreconditionFailedError,
    ReleaseNotFoundError,
    StalePointerError,
)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
_EMPTY = MappingProxyType({"revision": 0, "next_ordinal": 0, "documents": 0})


@dataclass(frozen=True)
class Collection:
    """A collection as it was when it was read.

    `revision` counts its changes, `documents` its live documents; `generation` is what its pointer
    names (None before anything is indexed), `epoch` how often the pointer was moved.
    """

    id: int
    name: str
    created_at: datetime
    revision: int
    documents: int
    generation: str | None
    epoch: int


def require_revision(collection: Collection, match: frozenset[int] | None) -> None:
    """Raise `PreconditionFailedError` unless it has one of these revisions, or any will do."""
    if match is not None and collection.revision not in match:
        raise PreconditionFailedError(
            f"the collection {collection.name!r} has been changed, it is at revision "
            f"{collection.revision}; read it again and decide anew",
            revision=collection.revision,
        )


class Collections:
    """Every collection of the catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reserved: frozenset[str] = frozenset()

    def create(self, name: str) -> Collection:
        """Make an empty collection.

        Raises `InvalidNameError`, `CollectionExistsError`, and `NameTakenError` where an alias has
        the name.
        """
        with self._database.writing() as connection:
            made = add_collection(self._database, connection, name)
            refuse_names(name, self._reserved)
            return made

    def reserve(self, names: AnyCollection[str]) -> None:
        """Make no collection of these names, which are aliases somewhere else."""
        self._reserved = frozenset(names)

    def get(self, name: str) -> Collection:
        """The collection as it is now. Raises `CollectionNotFoundError`."""
        with self._database.reading() as connection:
            return _read(connection, name)

    def delete(self, name: str, *, match: frozenset[int] | None = None) -> None:
        """Delete a collection with its documents, judgments, events and release history.

        Raises `CollectionNotFoundError`, and `PreconditionFailedError` where it has none of the
        revisions in `match`. Its generations on disk are left to whoever sweeps them.
        """
        with self._database.writing() as connection:
            doomed = _read(connection, name, query=_LOCKED)
            require_revision(doomed, match)
            connection.execute(delete(collections).where(collections.c.id == doomed.id))

    def point(
        self,
        name: str,
        *,
        generation: str | None,
        epoch_expected: int | None = None,
        reason: Reason = UNEXPLAINED,
    ) -> Collection:
        """Move the pointer and write it down in the release history, in one transaction.

        With `epoch_expected`, raises `StalePointerError` where somebody moved it since then.
        Raises `CollectionNotFoundError`.
        """
        with self.moving(name) as move:
            if epoch_expected not in {None, move.before.epoch}:
                raise StalePointerError(
                    f"the pointer of {name!r} is at epoch {move.before.epoch}, not "
                    f"{epoch_expected}: somebody moved it; read the collection again and decide "
                    "anew"
                )
            return move.to(generation, reason=reason)

    @contextmanager
    def moving(self, name: str) -> Iterator["Move"]:
        """A transaction to move the pointer in; no document of any kind is written meanwhile.

        Whoever makes a generation complete within it knows that it stays complete until the pointer
        has moved. Raises `CollectionNotFoundError`.
        """
        with self._database.writing() as connection:
            yield Move(connection, _read(connection, name, query=_LOCKED))

    def releases(self, name: str, *, limit: int = 100) -> tuple[Release, ...]:
        """The newest moves of the pointer, newest first. Raises `CollectionNotFoundError`."""
        with self._database.reading() as connection:
            return read_releases(connection, _read(connection, name).id, limit=limit)

    def name_release(self, name: str, epoch: int, label: str | None) -> None:
        """Call the release of a collection that made an epoch so, and no other; None takes it back.

        Raises `CollectionNotFoundError`, `InvalidFieldError`, and `ReleaseNotFoundError`.
        """
        if label is not None:
            check_name(label)
        with self._database.writing() as connection:
            found = _read(connection, name).id
            if not name_release(connection, found, epoch, label):
                raise ReleaseNotFoundError(
                    f"{name!r} has no release with the epoch {epoch}; `molt releases` lists them"
                )

    def released_as(self, label: str) -> frozenset[str]:
        """The generations of the releases that are called so, of any collection."""
        with self._database.reading() as connection:
            return released_as(connection, label)

    def former(self) -> dict[int, list[str]]:
        """By a collection's id, every generation that it was served from before, the latest first.

        One statement, however many collections there are.
        """
        with self._database.reading() as connection:
            return read_former(connection)

    def released_reports(self) -> frozenset[str]:
        """The evaluation reports that releases rest on, of all collections."""
        with self._database.reading() as connection:
            return read_released_reports(connection)

    def list(self) -> tuple[Collection, ...]:
        """All collections by name."""
        with self._database.reading() as connection:
            return read_collections(connection)


class Move:
    """The pointer of a collection, which stands still until `to` moves it."""

    def __init__(self, connection: Connection, before: Collection) -> None:
        self._connection = connection
        self.before = before

    def to(self, generation: str | None, *, reason: Reason) -> Collection:
        """Move the pointer and write it down in the release history."""
        connection, before = self._connection, self.before
        moved = {"generation": generation, "epoch": before.epoch + 1}
        connection.execute(update(collections).where(collections.c.id == before.id).values(moved))
        after = _read(connection, before.name)
        release = Release(datetime.now(UTC), after.epoch, before.generation, generation, reason)
        record_release(connection, collection_id=before.id, release=release)
        faultpoint("flip.pointed")
        return after


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


def read_collections(connection: Connection) -> tuple[Collection, ...]:
    """All collections by name, as a transaction of the caller sees them."""
    found = connection.execute(_COLUMNS.order_by(collections.c.name))
    return tuple(_collection(row) for row in found)


def collection_in(connection: Connection, name: str) -> Collection:
    """One collection, as a transaction of the caller sees it. Raises `CollectionNotFoundError`."""
    return _read(connection, name)


def add_collection(
    database: Database,
    connection: Connection,
    name: str,
    *,
    counters: Mapping[str, int] = _EMPTY,
) -> Collection:
    """Make a collection in a transaction of the caller; `counters` go on from elsewhere.

    Raises `InvalidNameError`, `CollectionExistsError` and `NameTakenError`.
    """
    if not _NAME.fullmatch(name):
        raise InvalidNameError(
            f"{name[:80]!r} cannot name a collection: use 1 to 63 of a-z, 0-9, _ and -, and "
            "start with a letter or a digit"
        )
    row = {"name": name, "created_at": datetime.now(UTC), "epoch": 0, **counters}
    if not database.try_insert(connection, collections, row):
        raise CollectionExistsError(f"there is a collection {name!r} already")
    refuse_alias(database, connection, name)
    return _read(connection, name)


_COLUMNS = select(*(collections.c[field.name] for field in fields(Collection)))
_LOCKED = _COLUMNS.with_for_update()


def _read(
    connection: Connection, name: str, *, query: Select[tuple[Any, ...]] = _COLUMNS
) -> Collection:
    row = None
    if _NAME.fullmatch(name):
        row = connection.execute(query.where(collections.c.name == name)).one_or_none()
    if row is None:
        raise CollectionNotFoundError(f"there is no collection {name[:80]!r}; create it first")
    return _collection(row)


def _collection(row: Row[tuple[Any, ...]]) -> Collection:
    return Collection(**row._asdict())
