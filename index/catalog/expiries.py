"""Expiries: the moments at which documents expire, in their order, and how documents then go.

The metadata say when, in the collection's `expiry_field`; the table is a copy of that, so that who
looks for what is due never looks at all documents. It follows the documents by their revisions,
some at a time, and is not believed: a document is read again before it is deleted. What a date is,
is not known here: whoever asks brings a `ExpiryReader`.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, func, select, update

from molt.artifact import faultpoint
from molt.index.catalog import tables
from molt.index.catalog.collection import Collection, lock_collection, require_revision
from molt.index.catalog.fields import check_field_name
from molt.index.catalog.rows.counters import lock_counters
from molt.index.catalog.rows.deleting import delete_rows
from molt.index.catalog.rows.expiring import (
    ExpiryReader,
    Stated,
    is_due,
    joined,
    read_changes,
    read_due,
    replace_expiries,
)
from molt.index.catalog.storage.database import Database

__all__ = ["EXPIRY_BATCH", "Expired", "Expiries", "ExpiryReader", "ExpiryState", "Stated"]

EXPIRY_BATCH = 500
"""So many documents are read, or deleted, in one transaction."""
MOST_NAMED = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and the last microsecond that a `datetime` can be."""
_COLUMNS = tables.expiries.c
_DOCUMENTS = tables.documents.c
_COLLECTIONS = tables.collections.c


@dataclass(frozen=True)
class Expired:
    """Of so many documents that seemed `due` so many were, and are `deleted`."""

    due: int
    deleted: int


@dataclass(frozen=True)
class ExpiryState:
    """When the next document expires, and of how many it is not known when.

    Documents in `unreadable` have something in the field that is no date, and never expire; the
    first are `named`. Until `complete` not all documents have been looked at.
    """

    next: datetime | None
    unreadable: int
    named: tuple[str, ...]
    complete: bool


class Expiries:
    """What expires, of every collection of the catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def choose(
        self, name: str, field: str | None, *, match: frozenset[int] | None = None
    ) -> Collection:
        """Let the documents of a collection expire by a field of their metadata, or by none.

        Raises `CollectionNotFoundError`, `InvalidFieldError`, and `PreconditionFailedError` where
        the collection has none of the revisions in `match`.
        """
        if field is not None:
            check_field_name(field, field="expiry_field")
        with self._database.writing() as connection:
            found = lock_collection(connection, name)
            require_revision(found, match)
            if found.expiry_field != field:  # what was read by another is put right by following
                _write(connection, found, expiry_field=field, expiry_revision=0)
        while field is None and self._forget(found):
            continue
        return replace(found, expiry_field=field)

    def follow(
        self, collection: Collection, read: ExpiryReader, *, limit: int = EXPIRY_BATCH
    ) -> bool:
        """Read when the documents expire that changed next; False where none did.

        Raises `CollectionNotFoundError`.
        """
        with self._database.reading() as connection:
            mark = _mark(connection, collection)
            if mark is None or mark >= collection.revision:
                return False
        with self._database.writing() as connection:
            revision = lock_counters(connection, collection).revision
            mark = _mark(connection, collection)
            if mark is None:
                return False
            changes = read_changes(
                connection, collection, after=mark, limit=limit, revision=revision
            )
            replace_expiries(connection, collection, changes.ordinals, changes.stated(read))
            _write(connection, collection, expiry_revision=changes.until)
        faultpoint("expiry.followed")
        return True

    def expire(
        self, collection: Collection, read: ExpiryReader, *, now: int, limit: int = EXPIRY_BATCH
    ) -> Expired:
        """Delete the next documents that are due at `now`, in microseconds since 1970.

        Raises `CollectionNotFoundError`.
        """
        first = self.next_due(collection)
        if first is None or first > now:
            return Expired(0, 0)
        with self._database.writing() as connection:
            counters = lock_counters(connection, collection)
            if _mark(connection, collection) is None:
                return Expired(0, 0)
            stated = read_due(connection, collection, read, now=now, limit=limit)
            doomed = [ordinal for ordinal, one in stated.items() if is_due(one, now)]
            kept = {ordinal: one for ordinal, one in stated.items() if not is_due(one, now)}
            delete_rows(connection, collection, counters, doomed)
            replace_expiries(connection, collection, list(stated), kept)
            _write(connection, collection, expired=_COLLECTIONS.expired + len(doomed))
        faultpoint("expiry.deleted")
        return Expired(len(stated), len(doomed))

    def next_due(self, collection: Collection) -> int | None:
        """When the next document of a collection expires, as far as is known by now."""
        own = _COLUMNS.collection_id == collection.id
        with self._database.reading() as connection:
            found: int | None = connection.scalar(select(func.min(_COLUMNS.at)).where(own))
            return found

    def state(self, collection: Collection) -> ExpiryState | None:
        """What is known of a collection's expiries; None where its documents do not expire.

        Raises `CollectionNotFoundError`.
        """
        if collection.expiry_field is None:
            return None
        own = _COLUMNS.collection_id == collection.id
        unread = and_(own, _COLUMNS.at.is_(None))
        named = select(_DOCUMENTS.doc_id).select_from(joined()).where(unread)
        with self._database.reading() as connection:
            mark = _mark(connection, collection)
            count = select(func.count()).select_from(tables.expiries).where(unread)
            ids = connection.scalars(named.order_by(_COLUMNS.ordinal).limit(MOST_NAMED))
            return ExpiryState(
                _moment(connection.scalar(select(func.min(_COLUMNS.at)).where(own))),
                connection.scalar(count) or 0,
                tuple(ids),
                complete=mark is not None and mark >= collection.revision,
            )

    def _forget(self, collection: Collection) -> bool:
        """Remove some of what was read of a collection whose documents expire no more."""
        own = _COLUMNS.collection_id == collection.id
        with self._database.writing() as connection:
            lock_counters(connection, collection)
            chosen = select(_COLLECTIONS.expiry_field).where(_COLLECTIONS.id == collection.id)
            if connection.scalar(chosen) is not None:
                return False
            some = select(_COLUMNS.ordinal).where(own).limit(10 * EXPIRY_BATCH)
            found = connection.scalars(some).all()
            replace_expiries(connection, collection, found, {})
        return bool(found)


def _mark(connection: Connection, collection: Collection) -> int | None:
    """Up to which revision the table has followed; None where the field is another, or none."""
    if collection.expiry_field is None:
        return None
    query = select(_COLLECTIONS.expiry_revision).where(
        _COLLECTIONS.id == collection.id, _COLLECTIONS.expiry_field == collection.expiry_field
    )
    return connection.scalar(query)


def _write(connection: Connection, collection: Collection, **values: Any) -> None:
    connection.execute(
        update(tables.collections).where(_COLLECTIONS.id == collection.id).values(values)
    )


def _moment(micros: int | None) -> datetime | None:
    """A moment that no `datetime` can be is the nearest that can."""
    if micros is None:
        return None
    return _EPOCH + timedelta(microseconds=min(max(micros, _EARLIEST), _LATEST))
