import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.events import Event, read_event
from molt.index.errors import CollectionNotFoundError, InvalidEventError
from tests.kept_events import kept_events

NOBODY = dict.fromkeys(("user_id", "session_id", "client_id"))
"""Without users, of which pseudonyms are kept."""
CLICK = {
    "application": "shop",
    "action_name": "click",
    "query_id": "00112233-4455-6677-8899-aabbccddeeff",
    "session_id": "s1",
    "client_id": "c1",
    "user_id": "u1",
    "timestamp": "2026-11-20T12:00:00.25+01:00",
    "message_type": "CONVERSION",
    "message": "bought",
    "event_attributes": {
        "object": {"object_id": "d7", "object_id_field": "sku"},
        "position": {"ordinal": 3},
        "dwell_time": 12.5,
    },
}


def test_a_ubi_event_is_read_and_loses_nothing() -> None:
    event = read_event(CLICK)
    assert event == Event(
        action_name="click",
        at=datetime(2026, 11, 20, 11, 0, 0, 250_000, tzinfo=UTC),
        query_id="00112233-4455-6677-8899-aabbccddeeff",
        user_id="u1",
        session_id="s1",
        client_id="c1",
        object_id="d7",
        position=3,
        rest={
            name: CLICK[name]
            for name in ("application", "message_type", "message", "event_attributes")
        },
    )


def test_events_come_back_in_the_order_of_their_arrival(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    later = Event("view", datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=2))))
    given = [read_event(CLICK), later]
    assert catalog.events.append(catalog_collection, given) == 2
    found = kept_events(catalog, catalog_collection)
    assert [replace(one, **NOBODY) for one in found] == [replace(one, **NOBODY) for one in given]
    assert list(found[0].rest) == list(given[0].rest)


def test_events_of_other_collections_are_not_seen(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    other = catalog.collections.create("other")
    catalog.events.append(other, [read_event(CLICK)])
    assert kept_events(catalog, catalog_collection) == []


def test_a_time_without_a_zone_is_utc_wherever_the_server_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    event = read_event({"action_name": "view", "timestamp": "2018-11-13T20:20:39"})
    monkeypatch.undo()
    time.tzset()
    assert event.at == datetime(2018, 11, 13, 20, 20, 39, tzinfo=UTC)


def test_an_event_without_a_time_happened_now() -> None:
    before = datetime.now(UTC)
    assert before <= read_event({"action_name": "view"}).at <= datetime.now(UTC)


def test_an_object_id_may_be_a_number() -> None:
    body = {"action_name": "view", "event_attributes": {"object": {"object_id": 7}}}
    assert read_event(body).object_id == "7"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action_name"),
        ({"action_name": 1}, "action_name"),
        ({"action_name": "x", "timestamp": 12}, "timestamp"),
        ({"action_name": "x", "timestamp": "yesterday"}, "timestamp"),
        ({"action_name": "x", "timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
        ({"action_name": "x", "query_id": 5}, "query_id"),
        ({"action_name": "x", "user_id": "\ud800"}, "user_id"),
        ({"action_name": "x", "event_attributes": []}, "event_attributes"),
        ({"action_name": "x", "event_attributes": {"object": "d7"}}, "object"),
        ({"action_name": "x", "event_attributes": {"object": {"object_id": True}}}, "object_id"),
        ({"action_name": "x", "event_attributes": {"position": {"ordinal": -1}}}, "ordinal"),
        ({"action_name": "x", "event_attributes": {"position": {"ordinal": "3"}}}, "ordinal"),
        ({"action_name": "x", "event_attributes": {"position": {"ordinal": 2**80}}}, "ordinal"),
    ],
)
def test_a_bad_field_is_named(body: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidEventError, match=field):
        read_event(body)


def test_an_event_that_json_cannot_hold_is_refused(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    event = read_event({"action_name": "x", "price": float("nan")})
    with pytest.raises(InvalidEventError, match=r"event\.price"):
        catalog.events.append(catalog_collection, [event])
    assert kept_events(catalog, catalog_collection) == []


def test_a_deleted_collection_takes_no_events(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    catalog.collections.delete("default")
    with pytest.raises(CollectionNotFoundError):
        catalog.events.append(catalog_collection, [read_event(CLICK)])
