"""Events: what users did with results, in the User Behavior Insights schema (UBI 1.3).

Kept as they came, in the order in which they came, but for the ids of users, of which pseudonyms
are kept; whoever learns from them interprets them.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select

from molt.index.catalog import tables
from molt.index.catalog.collection import Collection
from molt.index.catalog.fields import check_id, check_optional_id, encode_metadata
from molt.index.catalog.judging.curations import normalised
from molt.index.catalog.judging.pseudonyms import Salt, salt_in_use, salt_number
from molt.index.catalog.rows.counters import lock_counters
from molt.index.catalog.storage.database import Database
from molt.index.errors import InvalidEventError, InvalidFieldError

_USERS = ("user_id", "session_id", "client_id")
_IDS = ("query_id", *_USERS)
_EXTRACTED = {*_IDS, "action_name", "timestamp"}
_MAX_POSITION = 2**31
_NEWEST = 50_000
_ASKED = '"user_query"'
_LONGEST_QUERY = 200

CLICK = "click"
"""The action of a user who followed a hit."""


@dataclass(frozen=True)
class Event:
    """One action of a user; `position` is the place of the object in the results, from UBI's
    `event_attributes.position.ordinal`, and `rest` holds whatever else the event said.
    """

    action_name: str
    at: datetime
    query_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    client_id: str | None = None
    object_id: str | None = None
    position: int | None = None
    rest: Mapping[str, Any] = field(default_factory=dict)


def read_event(body: Mapping[str, Any]) -> Event:
    """An event from its UBI JSON. Raises `InvalidEventError`, which names the field.

    A `timestamp` without a zone is UTC; without a timestamp the event happened now.
    """
    attributes = _inner(body, "event_attributes")
    try:
        return Event(
            action_name=check_id(body.get("action_name"), field="action_name"),
            at=_read_moment(body.get("timestamp")),
            object_id=_read_object_id(_inner(attributes, "object").get("object_id")),
            position=_read_position(_inner(attributes, "position").get("ordinal")),
            rest={key: value for key, value in body.items() if key not in _EXTRACTED},
            **{name: check_optional_id(body.get(name), field=name) for name in _IDS},
        )
    except InvalidFieldError as error:
        raise InvalidEventError(str(error)) from None


class Events:
    """All events of the catalog; each method works on one collection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, collection: Collection, events: Sequence[Event]) -> int:
        """Keep events in one transaction and return their number; users become pseudonyms.

        Raises `InvalidEventError` or `CollectionNotFoundError`, and then keeps none of them.
        """
        rows = [_encode(event) | {"collection_id": collection.id} for event in events]
        with self._database.writing() as connection:
            lock_counters(connection, collection)
            if rows:
                salt = salt_in_use(self._database, connection, now=datetime.now(UTC))
                connection.execute(insert(tables.events), [_anonymous(row, salt) for row in rows])
        return len(rows)

    def last(self, collection: Collection) -> int:
        """The number of the newest event; 0 where there is none."""
        columns = tables.events.c
        newest = select(func.max(columns.id)).where(columns.collection_id == collection.id)
        with self._database.reading() as connection:
            return connection.scalar(newest) or 0

    def asked(self, collection: Collection, *, least: int) -> dict[str, int]:
        """How many users asked each query, of those that at least `least` different ones asked.

        A query is an event's `user_query` as it was written first, whatever its capitals and
        blanks; a user is who it names as that, as a client or as a session. Events that name
        nobody do not count. Looks at the newest events only, some tens of thousands. One user has
        several pseudonyms in time, so the most under one salt are told.
        """
        columns = tables.events.c
        who = (columns.user_id, columns.client_id, columns.session_id)
        newest = (
            select(columns.rest, *who)
            .where(columns.collection_id == collection.id, columns.rest.contains(_ASKED))
            .order_by(columns.id.desc())
            .limit(_NEWEST)
        )
        users: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        written: dict[str, str] = {}
        with self._database.reading() as connection:
            for rest, *names in connection.execute(newest):
                query = json.loads(rest).get("user_query")
                user = next((name for name in names if name is not None), None)
                if user is not None and isinstance(query, str) and len(query) <= _LONGEST_QUERY:
                    users[normalised(query)][salt_number(user)].add(user)
                    written[normalised(query)] = " ".join(query.split())
        most = {query: max(map(len, each.values())) for query, each in users.items() if query}
        return {written[query]: count for query, count in most.items() if count >= least}

    def clicked(
        self, collection: Collection, *, since: datetime, until: datetime
    ) -> tuple[int, int]:
        """How many queries had a click from `since` to `until`, and how many had any event.

        Looks at the newest events only, some tens of thousands.
        """
        columns = tables.events.c
        newest = (
            select(columns.at, columns.query_id, columns.action_name)
            .where(columns.collection_id == collection.id, columns.query_id.is_not(None))
            .order_by(columns.id.desc())
            .limit(_NEWEST)
            .subquery()
        )
        within = newest.c.at.between(since, until)
        seen = select(func.count(newest.c.query_id.distinct())).where(within)
        clicks = seen.where(newest.c.action_name == CLICK)
        with self._database.reading() as connection:
            return connection.scalar(clicks) or 0, connection.scalar(seen) or 0


def _encode(event: Event) -> dict[str, Any]:
    row = {name: getattr(event, name) for name in (*_IDS, "action_name", "object_id", "position")}
    try:
        check_id(event.action_name, field="action_name")
        for name in (*_IDS, "object_id"):
            check_optional_id(row[name], field=name)
        return row | {"at": event.at, "rest": encode_metadata(event.rest, field="event")}
    except InvalidFieldError as error:
        raise InvalidEventError(str(error)) from None


def _anonymous(row: dict[str, Any], salt: Salt) -> dict[str, Any]:
    named = {name: salt.pseudonym(row[name]) for name in _USERS if row[name] is not None}
    return row | named


def _inner(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = body.get(name)
    if inner is None:
        return {}
    if not isinstance(inner, Mapping):
        raise InvalidEventError(f"{name} must be an object")
    return inner


def _read_moment(value: object) -> datetime:
    if value is None:
        return datetime.now(UTC)
    if not isinstance(value, str):
        raise InvalidFieldError("timestamp", "must be a string such as 2026-11-20T12:00:00Z")
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidFieldError(
            "timestamp", f"is {value[:40]!r}; write ISO 8601, such as 2026-11-20T12:00:00Z"
        ) from None


def _read_object_id(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return check_optional_id(value, field="event_attributes.object.object_id")


def _read_position(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MAX_POSITION:
        raise InvalidFieldError(
            "event_attributes.position.ordinal", f"must be an integer from 0 to {_MAX_POSITION - 1}"
        )
    return value
