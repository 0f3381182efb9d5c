"""Expiring: the rows that say when documents expire, and what the documents themselves say.

Works inside a transaction of its caller, which has locked the counters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Join, Row, Select, and_, delete, insert, select

from molt.index.catalog.collection import Collection
from molt.index.catalog.rows.reading import decoded
from molt.index.catalog.storage.database import chunks
from molt.index.catalog.tables import documents, expiries, tombstones

_CHARS = 4 * 2**20
_FEW = 100


@dataclass(frozen=True)
class Stated:
    """What a document says: microseconds since 1970, or None where it is no date."""

    at: int | None


ExpiryReader = Callable[[Mapping[str, Any]], Stated | None]
"""What metadata say of the expiry; None where they say nothing."""


@dataclass(frozen=True)
class Changes:
    """Documents that changed, and the ordinals of those that were deleted.

    They are all up to the revision `until`, and perhaps some of those after it.
    """

    rows: Sequence[Row[Any]]
    deleted: Sequence[int]
    until: int

    @property
    def ordinals(self) -> list[int]:
        """Of both."""
        return [*(row.ordinal for row in self.rows), *self.deleted]

    def stated(self, read: ExpiryReader) -> dict[int, Stated | None]:
        """What those that are there say, by ordinal."""
        return {row.ordinal: _stated(row, read) for row in self.rows}


def read_changes(
    connection: Connection, collection: Collection, *, after: int, limit: int, revision: int
) -> Changes:
    """Up to `limit` changes of either kind after a revision, the collection being at `revision`."""
    names = ("ordinal", "revision", "doc_id", "metadata")
    query = select(*(documents.c[name] for name in names))
    query = query.where(documents.c.collection_id == collection.id, documents.c.revision > after)
    rows = list(_capped(connection, query.order_by(documents.c.revision).limit(limit)))
    graves = tombstones.c
    dead = select(graves.ordinal, graves.revision)
    dead = dead.where(graves.collection_id == collection.id, graves.revision > after)
    gone = connection.execute(dead.order_by(graves.revision).limit(limit)).all()
    until = revision
    if len(rows) == limit or sum(len(row.metadata) for row in rows) >= _CHARS:
        until = rows[-1].revision
    if len(gone) == limit:
        until = min(until, gone[-1].revision)
    return Changes(rows, [row.ordinal for row in gone], until)


def read_due(
    connection: Connection, collection: Collection, read: ExpiryReader, *, now: int, limit: int
) -> dict[int, Stated | None]:
    """What the next documents that seem due say now, by ordinal; one that is gone says nothing."""
    query = select(expiries.c.ordinal, documents.c.doc_id, documents.c.metadata)
    query = query.select_from(joined(outer=True))
    query = query.where(expiries.c.collection_id == collection.id, expiries.c.at <= now)
    rows = _capped(connection, query.order_by(expiries.c.at, expiries.c.ordinal).limit(limit))
    return {row.ordinal: _stated(row, read) for row in rows}


def is_due(stated: Stated | None, now: int) -> bool:
    """Has the time come of a document that says so?"""
    return stated is not None and stated.at is not None and stated.at <= now


def joined(*, outer: bool = False) -> Join:
    """When documents expire, beside the documents; an outer join keeps those that are gone."""
    same = and_(
        documents.c.collection_id == expiries.c.collection_id,
        documents.c.ordinal == expiries.c.ordinal,
    )
    return expiries.join(documents, same, isouter=outer)


def replace_expiries(
    connection: Connection,
    collection: Collection,
    ordinals: Sequence[int],
    stated: Mapping[int, Stated | None],
) -> None:
    """Forget what is known of some documents, and keep what is `stated` of them."""
    own = expiries.c.collection_id == collection.id
    for chunk in chunks(ordinals):
        connection.execute(delete(expiries).where(own, expiries.c.ordinal.in_(chunk)))
    rows = [
        {"collection_id": collection.id, "ordinal": ordinal, "at": one.at}
        for ordinal, one in stated.items()
        if one is not None
    ]
    if rows:
        connection.execute(insert(expiries), rows)


def _capped(connection: Connection, query: Select[Any]) -> Iterator[Row[Any]]:
    """What a query finds, as far as its metadata fit into memory easily."""
    room = _CHARS
    with closing(connection.execute(query.execution_options(yield_per=_FEW))) as rows:
        for row in rows:
            yield row
            room -= len(row.metadata or "")
            if room <= 0:
                return


def _stated(row: Row[Any], read: ExpiryReader) -> Stated | None:
    """What a document says now; nothing where there is none any more."""
    return None if row.metadata is None else read(decoded(row.doc_id, row.metadata))
