"""Suggestions over HTTP: titles, and what several users have asked."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from molt.app.application import create_app
from molt.engine.search.suggestions.suggesting import Suggester
from molt.engine.settings import load_settings
from molt.index.errors import CatalogError
from molt.index.selection.expiring import wall_clock
from tests.app.serving import open_engine, service_of, serving
from tests.waiting import wait_until

TITLES = {"a": "Warm boots", "b": "Wärmer Socken", "c": "Tent, warm", "d": "Warm boots", "e": ""}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[TestClient]:
    with serving(tmp_path, suggest={"refresh_seconds": 0.001, "min_users": 2}) as client:
        client.post("/collections", json={"name": "default"})
        documents = [{"id": name, "title": title, "text": "text"} for name, title in TITLES.items()]
        client.post("/collections/default/documents", json={"documents": documents})
        yield client


def suggest(client: TestClient, q: str, **more: Any) -> list[tuple[str, str, int]]:
    """What is suggested once it is made."""
    while True:
        answer = client.get("/suggest", params={"q": q} | more)
        assert answer.status_code == 200, answer.text
        if answer.json()["complete"]:
            found = answer.json()["suggestions"]
            return [(one["text"], one["kind"], one["count"]) for one in found]


def renewed(client: TestClient) -> None:
    """Have what is suggested made anew."""
    suggester = service_of(client).engine.suggester
    suggest(client, "x")
    suggester._make(service_of(client).engine.catalog.collections.get("default"))


def asked(client: TestClient, query: object, *users: str, by: str = "client_id") -> None:
    events = [{"action_name": "search", "user_query": query, by: user} for user in users]
    assert client.post("/events", json=events).status_code == 200


def test_titles_that_begin_so_come_before_those_of_which_a_word_does(shop: TestClient) -> None:
    assert suggest(shop, "warm") == [
        ("Warm boots", "title", 2),
        ("Wärmer Socken", "title", 1),
        ("Tent, warm", "title", 1),
    ]
    assert suggest(shop, "WARM B") == [("Warm boots", "title", 2)]
    assert suggest(shop, "warm", k=1) == [("Warm boots", "title", 2)]
    assert suggest(shop, "zebra") == []


def test_a_title_goes_with_the_last_document_that_has_it(shop: TestClient) -> None:
    assert suggest(shop, "warm b") == [("Warm boots", "title", 2)]
    shop.delete("/collections/default/documents/a")
    assert [text for text, _, _ in suggest(shop, "warm b")] == ["Warm boots"]
    shop.patch("/collections/default/documents/d", json={"metadata": {}, "title": "Shoes"})
    assert suggest(shop, "warm b") == []
    renewed(shop)
    assert suggest(shop, "sho") == [("Shoes", "title", 1)]


def test_a_title_of_what_has_expired_does_not_come(tmp_path: Path) -> None:
    now = [wall_clock()]
    engine = open_engine(load_settings(home=tmp_path), clock=lambda: now[0])
    engine.start()
    with TestClient(create_app(engine.settings, engine), "http://localhost") as client:
        client.post("/collections", json={"name": "default", "expiry_field": "until"})
        until = datetime.fromtimestamp(now[0] / 1e6 + 60, UTC).isoformat()
        documents = [
            {"id": "a", "title": "Boots", "text": "x", "metadata": {"until": until}},
            {"id": "b", "title": "Boots for good", "text": "x"},
        ]
        client.post("/collections/default/documents", json={"documents": documents})
        assert [text for text, _, _ in suggest(client, "boo")] == ["Boots", "Boots for good"]
        now[0] += 120_000_000
        assert [text for text, _, _ in suggest(client, "boo")] == ["Boots for good"]


def test_a_query_is_suggested_once_several_users_have_asked_it(shop: TestClient) -> None:
    asked(shop, "warm Gloves", "one", "one", "one")
    renewed(shop)
    assert suggest(shop, "warm g") == []
    asked(shop, " WARM  gloves ", "two")
    renewed(shop)
    assert suggest(shop, "warm g")[0][1:] == ("query", 2)
    assert suggest(shop, "gloves")[0][0].lower() == "warm gloves"


def test_who_asks_is_told_by_user_client_or_session(shop: TestClient) -> None:
    asked(shop, "gloves", "one", by="user_id")
    asked(shop, "gloves", "two", by="session_id")
    shop.post("/events", json=[{"action_name": "search", "user_query": "mittens"}] * 9)
    asked(shop, "mittens", "one")
    asked(shop, ["no text"], "one", "two")
    asked(shop, "x" * 300, "one", "two")
    renewed(shop)
    assert [text for text, _, _ in suggest(shop, "g")] == ["gloves"]
    assert suggest(shop, "mit") == suggest(shop, "xxx") == suggest(shop, "no") == []


def test_queries_of_another_collection_are_not_told(shop: TestClient) -> None:
    asked(shop, "gloves", "one", "two")
    shop.post("/collections", json={"name": "other"})
    assert suggest(shop, "glo", collection="other") == []
    assert suggest(shop, "warm", collection="other") == []


@pytest.mark.parametrize(
    "query",
    ["", "q=", "q=%20", "q=a&k=0", "q=a&k=101", "q=a&k=x", "q=a&x=1", "q=a%00", "q=" + "a" * 9000],
)
def test_what_cannot_be_completed_is_refused(shop: TestClient, query: str) -> None:
    assert shop.get(f"/suggest?{query}").status_code == 422
    assert shop.get("/suggest?q=a&collection=none").status_code == 404


@pytest.mark.parametrize("q", ["-", "🦊", "中", "\u0301", "+-*/", "a" * 8000, '"', "%", "_"])
def test_any_text_can_be_asked_for(shop: TestClient, q: str) -> None:
    assert suggest(shop, q) == []


def test_nothing_is_kept_of_a_collection_that_was_deleted(shop: TestClient) -> None:
    assert suggest(shop, "warm")
    shop.delete("/collections/default")
    shop.post("/collections", json={"name": "other"})
    assert suggest(shop, "warm", collection="other") == []
    suggester = service_of(shop).engine.suggester
    (left,) = suggester._known
    assert left == service_of(shop).engine.catalog.collections.get("other").id


def test_what_keeps_suggestions_from_being_made_is_told(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise CatalogError("the catalog cannot be reached")

    monkeypatch.setattr(service_of(shop).engine.catalog.titles, "all", unreachable)
    answer = shop.get("/suggest", params={"q": "warm"})
    assert answer.status_code == 503
    assert "cannot be reached" in answer.json()["detail"]
    monkeypatch.undo()
    assert suggest(shop, "warm")


def test_what_keeps_suggestions_from_being_renewed_is_logged_and_they_rest_as_they_were(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, now, asked_for = service_of(shop).engine, [0.0], []
    suggester = Suggester(
        engine.settings.suggest,
        catalog=engine.catalog,
        live_collections=engine.live_collections,
        clock=lambda: now[0],
    )

    def unreachable(*_: object, **__: object) -> None:
        asked_for.append(now[0])
        raise CatalogError("the catalog cannot be reached")

    def warm() -> list[str]:
        return [one.text for one in suggester.suggest("default", "warm b", k=9).found]

    assert warm() == ["Warm boots"]
    shop.delete("/collections/default/documents/c")
    monkeypatch.setattr(engine.catalog.titles, "all", unreachable)
    with capture_logs() as logged:
        for now[0] in (1.0, 2.0):
            assert warm() == ["Warm boots"]
            wait_until(lambda: suggester._known[1].at == now[0])
            assert warm() == ["Warm boots"]
    suggester.close()
    assert asked_for == [1.0, 2.0]
    failed = [one for one in logged if one["event"] == "suggestions.failed"]
    assert [one["reason"] for one in failed] == ["the catalog cannot be reached"] * 2
    assert failed[0]["collection"] == "default"


def test_what_is_to_be_renewed_of_a_collection_that_is_gone_is_forgotten(
    shop: TestClient,
) -> None:
    engine = service_of(shop).engine
    suggester = Suggester(
        engine.settings.suggest,
        catalog=engine.catalog,
        live_collections=engine.live_collections,
    )
    assert suggester.suggest("default", "warm", k=9, patience=None).found
    collection = engine.catalog.collections.get("default")
    known = suggester._known[collection.id]
    shop.delete("/collections/default")
    with capture_logs() as logged:
        suggester._renew(collection, known)  # as one that was due before
    suggester.close()
    assert suggester._known == {}
    assert [one for one in logged if one["event"] == "suggestions.failed"] == []


def test_what_a_deleted_collection_had_is_nothing_of_the_next_one_of_its_name(
    shop: TestClient,
) -> None:
    engine = service_of(shop).engine
    former = engine.catalog.collections.get("default")
    assert suggest(shop, "warm")
    shop.delete("/collections/default")
    shop.post("/collections", json={"name": "default"})
    documents = [{"id": name, "title": "Red hats", "text": "text"} for name in TITLES]
    shop.post("/collections/default/documents", json={"documents": documents})
    engine.suggester._make(former)
    assert suggest(shop, "red") == [("Red hats", "title", len(TITLES))]
