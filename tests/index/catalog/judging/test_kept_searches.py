from datetime import UTC, datetime, timedelta

import pytest

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.events import Event
from molt.index.catalog.judging import pseudonyms
from molt.index.catalog.judging.kept_searches import (
    MOST_SHOWN,
    KeptSearch,
    SearchRetention,
    UserAction,
)
from molt.index.errors import CollectionNotFoundError
from tests.damage import flaws_of
from tests.kept_events import kept_events

NOW = datetime.now(UTC).replace(microsecond=0)
KEPT = SearchRetention()


def search(query_id: str, *, at: datetime = NOW, query: str = "warm boots") -> KeptSearch:
    return KeptSearch(query_id, at, query, "hybrid", ("d1", "d2"), 0, '{"field":"a"}', "f" * 32)


def keep(catalog: Catalog, collection: Collection, *searches: KeptSearch) -> None:
    catalog.searches.append(collection, searches, retention=KEPT)


def ids(catalog: Catalog, collection: Collection) -> list[str]:
    return [one.query_id for one in catalog.searches.all(collection)]


def test_a_search_comes_back_as_it_was_kept(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    given = [search("q1"), KeptSearch("q2", NOW, "tent", "dense", ("d3",), passed=10)]
    keep(catalog, catalog_collection, *given)
    assert list(catalog.searches.all(catalog_collection)) == given
    other = catalog.collections.create("other")
    assert list(catalog.searches.all(other)) == []
    assert flaws_of(catalog) == []


def test_of_a_long_page_the_first_hits_are_kept(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    shown = tuple(f"d{number}" for number in range(MOST_SHOWN + 9))
    keep(catalog, catalog_collection, KeptSearch("q", NOW, "boots", "hybrid", shown))
    (found,) = catalog.searches.all(catalog_collection)
    assert found.shown == shown[:MOST_SHOWN]


def test_a_text_that_no_database_can_hold_is_kept_with_what_it_can(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    keep(catalog, catalog_collection, search("q", query="a\0b\ud800c"))
    (found,) = catalog.searches.all(catalog_collection)
    assert found.query == "a b?c"


def test_searches_that_are_too_old_or_too_many_are_dropped(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    old = search("old", at=NOW - timedelta(days=8))
    keep(catalog, catalog_collection, old, *(search(f"q{number}") for number in range(5)))
    retention = SearchRetention(days=7, rows=3)
    catalog.searches.append(catalog_collection, [search("new")], retention=retention)
    assert ids(catalog, catalog_collection) == ["q3", "q4", "new"]
    assert flaws_of(catalog) == []


def test_searches_go_with_their_collection(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    keep(catalog, catalog_collection, search("q"))
    catalog.collections.delete("default")
    assert ids(catalog, catalog_collection) == []
    with pytest.raises(CollectionNotFoundError):
        keep(catalog, catalog_collection, search("q"))


def click(query_id: str, doc_id: str = "d1", **who: str) -> Event:
    return Event("click", NOW, query_id=query_id, object_id=doc_id, position=0, **who)


def test_actions_are_those_of_searches_that_are_kept(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    keep(catalog, catalog_collection, search("q1"))
    catalog.events.append(catalog_collection, [click("q1"), click("other"), Event("view", NOW)])
    assert list(catalog.searches.actions(catalog_collection)) == [
        UserAction("q1", "click", "d1", NOW, None)
    ]
    counts = catalog.searches.counts(catalog_collection)
    assert (counts.searches, counts.events, counts.since) == (1, 3, NOW)


def test_no_id_of_a_user_is_kept_and_one_user_is_still_one(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    given = [click("q1", client_id="c1"), click("q2", client_id="c1"), click("q3", client_id="c2")]
    catalog.events.append(catalog_collection, given)
    first, second, third = (one.client_id for one in kept_events(catalog, catalog_collection))
    assert first == second != third
    assert not {"c1", "c2"} & {first, third}


def test_a_user_has_another_pseudonym_under_a_new_salt_and_counts_once(
    catalog: Catalog, catalog_collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Event("search", NOW, client_id="c1", rest={"user_query": "boots"})
    catalog.events.append(catalog_collection, [asked])
    monkeypatch.setattr(pseudonyms, "ROTATION", timedelta(0))
    catalog.events.append(catalog_collection, [asked])
    first, second = (one.client_id for one in kept_events(catalog, catalog_collection))
    assert first != second
    assert catalog.events.asked(catalog_collection, least=1) == {"boots": 1}
    assert catalog.searches.forget(catalog_collection, "client_id", "c1").events == 2


def test_the_oldest_salts_are_forgotten(
    catalog: Catalog, catalog_collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pseudonyms, "ROTATION", timedelta(0))
    for _ in range(pseudonyms.MOST_SALTS + 1):
        catalog.events.append(catalog_collection, [click("q", client_id="c1")])
    gone = catalog.searches.forget(catalog_collection, "client_id", "c1")
    assert gone.events == pseudonyms.MOST_SALTS
    assert len(kept_events(catalog, catalog_collection)) == 1


def test_forgetting_a_user_deletes_their_events_and_searches_and_nobody_elses(
    catalog: Catalog, catalog_collection: Collection
) -> None:
    keep(catalog, catalog_collection, search("q1"), search("q2"), search("q3"))
    given = [click("q1", client_id="c1"), click("q2", client_id="c2"), click("q3", user_id="c1")]
    catalog.events.append(catalog_collection, given)
    gone = catalog.searches.forget(catalog_collection, "client_id", "c1")
    assert (gone.searches, gone.events) == (1, 1)
    assert ids(catalog, catalog_collection) == ["q2", "q3"]
    assert [one.query_id for one in kept_events(catalog, catalog_collection)] == ["q2", "q3"]
    assert catalog.searches.forget(catalog_collection, "user_id", "c1").searches == 1
