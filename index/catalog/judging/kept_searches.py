"""Kept searches: what was asked and which hits were shown, and what users then did with them.

Bounded: the oldest of too many, and what is older than it is to be kept, is dropped on the way.
Learns nothing from them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import orjson
from sqlalchemy import Connection, delete, func, insert, or_, select

from molt.index.catalog import tables
from molt.index.catalog.collection import Collection
from molt.index.catalog.fields import check_id
from molt.index.catalog.judging.pseudonyms import pseudonyms_of
from molt.index.catalog.judging.use_tables import searches
from molt.index.catalog.rows.counters import lock_counters
from molt.index.catalog.storage.database import Database

MOST_SHOWN = 50
"""So many hits of a search are kept, the first ones."""
_FEW = 2000
Who = Literal["client_id", "user_id", "session_id"]
"""By which of its ids an event names its user."""


@dataclass(frozen=True)
class KeptSearch:
    """A search that was answered: `shown` are the ids of its hits, after `passed` others.

    `conditions` is the JSON of its filter, None for none.
    """

    query_id: str
    at: datetime
    query: str
    mode: str
    shown: tuple[str, ...]
    passed: int = 0
    conditions: str | None = None
    generation: str | None = None


@dataclass(frozen=True)
class UserAction:
    """What a user did with a hit of a search; `user` is a pseudonym, None where nobody is named."""

    query_id: str
    action_name: str
    doc_id: str | None
    at: datetime
    user: str | None


@dataclass(frozen=True)
class SearchRetention:
    """How long searches are kept, and how many at most, those of all collections together."""

    days: int = 90
    rows: int = 200_000


@dataclass(frozen=True)
class UseCounts:
    """How much is kept of the use of a collection."""

    searches: int
    events: int
    since: datetime | None


class KeptSearches:
    """All kept searches of the catalog; each method works on one collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self, collection: Collection, kept: Sequence[KeptSearch], *, retention: SearchRetention
    ) -> None:
        """Keep searches in one transaction, and drop those that are too old or too many.

        Raises `CollectionNotFoundError`.
        """
        rows = [_encode(one) | {"collection_id": collection.id} for one in kept]
        if not rows:
            return
        with self._database.writing() as connection:
            lock_counters(connection, collection)
            connection.execute(insert(searches), rows)
            _trim(connection, retention)

    def all(self, collection: Collection) -> Iterator[KeptSearch]:
        """Every search in the order in which they were kept."""
        columns = searches.c
        query = select(searches).where(columns.collection_id == collection.id).order_by(columns.id)
        with self._database.reading() as connection:
            for row in connection.execute(query.execution_options(yield_per=_FEW)):
                yield KeptSearch(
                    row.query_id,
                    row.at,
                    row.query,
                    row.mode,
                    tuple(orjson.loads(row.shown)),
                    row.passed,
                    row.conditions,
                    row.generation,
                )

    def actions(self, collection: Collection) -> Iterator[UserAction]:
        """What events say was done with hits of searches that are kept, in their order."""
        columns, shown = tables.events.c, searches.c
        user = func.coalesce(columns.client_id, columns.user_id, columns.session_id)
        named = select(shown.query_id).where(shown.collection_id == collection.id)
        query = (
            select(columns.query_id, columns.action_name, columns.object_id, columns.at, user)
            .where(columns.collection_id == collection.id, columns.query_id.in_(named))
            .order_by(columns.id)
        )
        with self._database.reading() as connection:
            for row in connection.execute(query.execution_options(yield_per=_FEW)):
                yield UserAction(*row)

    def counts(self, collection: Collection) -> UseCounts:
        """How many searches and events are kept, and since when searches are."""
        kept, events = searches.c, tables.events.c
        counted = select(func.count(), func.min(kept.at))
        with self._database.reading() as connection:
            found = connection.execute(counted.where(kept.collection_id == collection.id)).one()
            mine = select(func.count()).where(events.collection_id == collection.id)
            return UseCounts(found[0], connection.scalar(mine) or 0, found[1])

    def forget(self, collection: Collection, who: Who, user: str) -> UseCounts:
        """Delete the events of a user, by the id that they named, and the searches that these are
        of; how many of both there were.

        Events whose salt is forgotten are found no more. Raises `InvalidFieldError`.
        """
        check_id(user, field=who)
        with self._database.writing() as connection:
            lock_counters(connection, collection)
            columns = tables.events.c
            theirs = columns[who].in_(pseudonyms_of(connection, user))
            mine = (columns.collection_id == collection.id, theirs)
            asked = select(columns.query_id).where(*mine, columns.query_id.is_not(None))
            chosen = (searches.c.collection_id == collection.id, searches.c.query_id.in_(asked))
            gone = connection.execute(delete(searches).where(*chosen)).rowcount
            events = connection.execute(delete(tables.events).where(*mine)).rowcount
        return UseCounts(gone, events, None)


def _encode(kept: KeptSearch) -> dict[str, Any]:
    return {
        "at": kept.at,
        "query_id": kept.query_id,
        "query": _storable(kept.query),
        "mode": kept.mode,
        "conditions": None if kept.conditions is None else _storable(kept.conditions),
        "generation": kept.generation,
        "passed": kept.passed,
        "shown": orjson.dumps(kept.shown[:MOST_SHOWN]).decode(),
    }


def _storable(text: str) -> str:
    """A text that every database takes: what it cannot spell is replaced."""
    return text.encode("utf-8", "replace").decode().replace("\0", " ")


def _trim(connection: Connection, retention: SearchRetention) -> None:
    oldest = datetime.now(UTC) - timedelta(days=retention.days)
    newest = connection.scalar(select(func.max(searches.c.id))) or 0
    gone = or_(searches.c.at < oldest, searches.c.id <= newest - retention.rows)
    connection.execute(delete(searches).where(gone))
