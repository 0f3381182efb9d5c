"""Did you mean: a query with words that documents have, where they have some of its own nowhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.serving import serving

DOCUMENTS = [
    *({"id": f"boots-{n}", "text": f"Waterproof boots of kind {n}"} for n in range(5)),
    {"id": "watertight", "text": "waterproofs are coats", "metadata": {"shop": "theirs"}},
    {"id": "cafe", "title": "Café", "text": "espresso and cake"},
    {"id": "rare", "text": "expresso", "metadata": {"shop": "theirs"}},
]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[TestClient]:
    with serving(tmp_path) as client:
        client.post("/collections", json={"name": "default"})
        client.post("/collections/default/documents", json={"documents": DOCUMENTS})
        yield client


def meant(client: TestClient, query: str, **more: Any) -> str | None:
    answer = client.post("/search", json={"query": query, "mode": "lexical"} | more)
    assert answer.status_code == 200, answer.text
    search = answer.json()["search"]
    assert search["did_you_mean"] is None or "correct" in search["stages_ms"]
    found: str | None = search["did_you_mean"]
    return found


@pytest.mark.parametrize("mode", ["lexical", "hybrid"])
def test_a_word_that_no_document_has_is_spelt_as_documents_do(shop: TestClient, mode: str) -> None:
    assert meant(shop, "watrproof boots", mode=mode) == "waterproof boots"


def test_nothing_is_looked_into_where_all_words_are_known(shop: TestClient) -> None:
    answer = shop.post("/search", json={"query": "waterproof boots", "mode": "lexical"}).json()
    assert answer["search"]["did_you_mean"] is None
    assert "correct" not in answer["search"]["stages_ms"]


def test_searches_by_meaning_alone_correct_nothing(shop: TestClient) -> None:
    assert meant(shop, "watrproof boots", mode="dense") is None


@pytest.mark.parametrize(
    ("query", "better"),
    [
        ("Watrproof  boots", "Waterproof  boots"),
        ('+watrproof "botts of kind" -rubber', '+waterproof "boots of kind" -rubber'),
        ("caffe", "café"),
        ("waterproofz", "waterproof"),
        ("watrproof watrproof", "waterproof waterproof"),
    ],
)
def test_what_else_is_written_stays_as_it_is(shop: TestClient, query: str, better: str) -> None:
    assert meant(shop, query) == better


@pytest.mark.parametrize("query", ["zzzzzzzz", "b00ts", "bts", "-watrproof boots", "+", "靴子的"])
def test_nothing_is_suggested_where_nothing_is_near(shop: TestClient, query: str) -> None:
    assert meant(shop, query) is None


def test_no_word_is_told_of_documents_that_the_filter_hides(shop: TestClient) -> None:
    theirs = {"field": "shop", "eq": "theirs"}
    assert meant(shop, "expressp", filter=theirs) == "expresso"
    assert meant(shop, "expressp", filter={"not": theirs}) == "espresso"


def test_a_word_with_a_synonym_is_left_alone(shop: TestClient) -> None:
    rules = {"synonyms": [{"from": ["watrproof"], "to": ["boots"]}]}
    shop.put("/collections/default/synonyms", json=rules).raise_for_status()
    assert meant(shop, "watrproof") is None
