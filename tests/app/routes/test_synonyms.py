"""Synonyms over HTTP: kept with the collection, at work at once, in JSON or as Solr has them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.serving import serving

PATH = "/collections/default/synonyms"
RULES = {"synonyms": [{"equivalent": ["sofa", "couch"]}, {"from": ["tv"], "to": ["television"]}]}
TEXT = {"Content-Type": "text/plain"}
DOCUMENTS = [
    {"id": "sofa", "text": "a red sofa"},
    {"id": "couch", "text": "a red couch"},
    {"id": "set", "text": "one television"},
]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[TestClient]:
    with serving(tmp_path) as client:
        client.post("/collections", json={"name": "default"})
        client.post("/collections/default/documents", json={"documents": DOCUMENTS})
        yield client


def found(client: TestClient, query: str, mode: str = "lexical") -> dict[str, Any]:
    answer = client.post("/search", json={"query": query, "mode": mode})
    assert answer.status_code == 200, answer.text
    return {hit["id"]: hit["scores"]["lexical"] for hit in answer.json()["hits"]}


def test_synonyms_work_as_soon_as_they_are_kept_and_no_longer(shop: TestClient) -> None:
    assert [*found(shop, "sofa")] == ["sofa"]
    answer = shop.put(PATH, json=RULES)
    assert answer.json() == {"version": 1} | RULES
    assert [*found(shop, "sofa")] == ["sofa", "couch"]
    assert [*found(shop, "tv")] == ["set"]
    assert shop.put(PATH, json={"synonyms": []}).json() == {"version": 2, "synonyms": []}
    assert [*found(shop, "sofa")] == ["sofa"]


def test_hybrid_searches_know_them_too(shop: TestClient) -> None:
    assert found(shop, "tv", "hybrid")["set"] is None
    shop.put(PATH, json=RULES).raise_for_status()
    assert found(shop, "tv", "hybrid")["set"] > 0


def test_the_lines_of_solr_mean_the_same(shop: TestClient) -> None:
    text = "# furniture\nsofa, couch\ntv => television\n"
    assert shop.put(PATH, content=text, headers=TEXT).json() == {"version": 1} | RULES
    assert shop.get(PATH).json() == {"version": 1} | RULES


def test_the_version_is_a_tag_that_a_change_may_depend_on(shop: TestClient) -> None:
    assert shop.get(PATH).headers["ETag"] == '"0"'
    assert shop.put(PATH, json=RULES, headers={"If-Match": '"0"'}).headers["ETag"] == '"1"'
    late = shop.put(PATH, json={"synonyms": []}, headers={"If-Match": '"0"'})
    assert late.status_code == 412
    assert shop.get(PATH).json() == {"version": 1} | RULES


@pytest.mark.parametrize(
    ("content", "headers", "said"),
    [
        (b"sofa, couch\nsofa", TEXT, "line 2 names 'sofa' alone"),
        (b"sofa, \xff", TEXT, "the text is no UTF-8 at byte 6"),
        (b'{"synonyms": [{"equivalent": ["a"]}]}', None, "synonyms.0.equivalent names 'a' alone"),
        (b'{"synonyms": [{"from": ["a"]}]}', None, "synonyms.0 must have"),
    ],
)
def test_what_is_no_rule_is_named_and_changes_nothing(
    shop: TestClient, content: bytes, headers: dict[str, str] | None, said: str
) -> None:
    shop.put(PATH, json=RULES).raise_for_status()
    sent = headers or {"Content-Type": "application/json"}
    answer = shop.put(PATH, content=content, headers=sent)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert shop.get(PATH).json()["version"] == 1


def test_another_type_of_body_is_refused(shop: TestClient) -> None:
    answer = shop.put(PATH, content=b"a,b", headers={"Content-Type": "text/csv"})
    assert answer.status_code == 415


def test_a_collection_that_is_not_there_has_none(shop: TestClient) -> None:
    path = "/collections/none/synonyms"
    assert {shop.get(path).status_code, shop.put(path, json=RULES).status_code} == {404}


def test_another_process_knows_them_when_it_looks_at_the_catalog(
    shop: TestClient, tmp_path: Path
) -> None:
    with serving(tmp_path) as other:
        assert [*found(other, "sofa")] == ["sofa"]
        shop.put(PATH, json=RULES).raise_for_status()
        other.app.state.service.engine.live_collections.look()  # type: ignore[attr-defined]
        assert [*found(other, "sofa")] == ["sofa", "couch"]
