"""How the texts of a collection become terms: set over HTTP, and followed by its index."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.serving import serving
from tests.waiting import wait_until

PATH = "/collections/default"
DEFAULT = {"language": "english", "stop_words": None, "fold": True, "compounds": [], "weights": {}}
DOCUMENTS = [
    {"id": "a", "title": "Häuser", "text": "am Meer", "metadata": {"brand": "Acme Bau"}},
    {"id": "b", "title": "Meer", "text": "Haus Haus am Dampfschiff", "metadata": {"brand": "Bau"}},
]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[TestClient]:
    with serving(tmp_path) as client:
        client.post("/collections", json={"name": "default"})
        client.post(f"{PATH}/documents", json={"documents": DOCUMENTS})
        yield client


def found(client: TestClient, query: str) -> list[str]:
    answer = client.post("/search", json={"query": query, "mode": "lexical"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["search"]["left_out"] == []
    return [hit["id"] for hit in answer.json()["hits"]]


def analyse(client: TestClient, **analysis: Any) -> None:
    answer = client.patch(PATH, json={"analysis": analysis})
    assert answer.status_code == 200, answer.text
    wait_until(lambda: client.get(PATH).json()["analysis_followed"])


def test_a_collection_is_analysed_by_default_until_something_else_is_said(shop: TestClient) -> None:
    state = shop.get(PATH).json()
    assert (state["analysis"], state["analysis_followed"]) == (DEFAULT, True)
    assert found(shop, "Haus") == ["b"]
    analyse(shop, language="german")
    assert shop.get(PATH).json()["analysis"] == DEFAULT | {"language": "german"}
    assert set(found(shop, "Haus")) == {"a", "b"}
    analyse(shop)
    assert shop.get(PATH).json()["analysis"] == DEFAULT
    assert found(shop, "Haus") == ["b"]


def test_the_former_index_answers_until_the_new_one_is_there(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        client.post("/collections", json={"name": "default"})
        client.post(f"{PATH}/documents", json={"documents": DOCUMENTS})
        indexer = client.app.state.service.engine.indexer  # type: ignore[attr-defined]
        indexer.close()
        client.patch(PATH, json={"analysis": {"language": "german"}}).raise_for_status()
        assert client.get(PATH).json()["analysis_followed"] is False
        assert found(client, "Haus") == ["b"]


def test_weighted_fields_count_and_can_be_asked_for_by_name(shop: TestClient) -> None:
    assert found(shop, "Meer") == ["a", "b"]
    assert found(shop, "brand:acme") == []
    analyse(shop, weights={"title": 4, "brand": 0.5})
    assert found(shop, "Meer")[0] == "b"
    assert found(shop, "brand:acme") == ["a"]
    assert found(shop, "brand:meer") == []
    assert set(found(shop, "bau")) == {"a", "b"}
    assert found(shop, "+brand:acme meer") == ["a"]


def test_compounds_and_stop_words_are_the_collections_own(shop: TestClient) -> None:
    assert found(shop, "schiff") == []
    analyse(shop, language="none", compounds=["Dampf", "Schiff"], stop_words=["meer"])
    assert found(shop, "schiff") == ["b"]
    assert found(shop, "+dampfschiff") == ["b"]
    assert found(shop, '"am dampfschiff"') == ["b"]
    assert found(shop, "meer") == []


def test_a_collection_can_be_made_with_its_analysis(shop: TestClient) -> None:
    body = {"name": "german", "analysis": {"language": "german", "weights": {"title": 2}}}
    made = shop.post("/collections", json=body)
    assert made.status_code == 201
    assert made.json()["analysis"] == DEFAULT | {"language": "german", "weights": {"title": 2.0}}
    assert made.json()["analysis_followed"] is True


@pytest.mark.parametrize(
    ("analysis", "said"),
    [
        ({"language": "klingon"}, "language"),
        ({"weights": {"title": 101}}, "must be at most 100"),
        ({"weights": {"id": 1}}, "analysis.weights is the document's id"),
        ({"compounds": ["x" * 256]}, "analysis.compounds has a word of more than 255 bytes"),
        ({"stop_words": ["\0"]}, "analysis.stop_words holds a NUL"),
        ({"stemmer": "porter"}, "stemmer"),
    ],
)
def test_what_cannot_be_is_named_and_changes_nothing(
    shop: TestClient, analysis: dict[str, Any], said: str
) -> None:
    answer = shop.patch(PATH, json={"analysis": analysis})
    assert answer.status_code == 422
    assert said in answer.text
    assert shop.get(PATH).json()["analysis"] == DEFAULT
