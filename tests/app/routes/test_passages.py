"""Passages: a collection says how long texts are split, and the next index does it so."""

from typing import Any

import pytest
from starlette.testclient import TestClient

LONG = {"id": "long", "text": " ".join(f"word{number}." for number in range(300)) + " The moon."}


def detail(client: TestClient) -> dict[str, Any]:
    return client.get("/collections/books").json()


def filled(client: TestClient, **body: object) -> None:
    assert client.post("/collections", json={"name": "books"} | body).status_code == 201
    written = client.post("/collections/books/documents", json={"documents": [LONG], "wait": True})
    assert written.json()["indexed"] is True


def hit(client: TestClient) -> dict[str, Any]:
    body = {"query": "The moon", "collection": "books", "mode": "dense"}
    (found,) = client.post("/search", json=body).json()["hits"]
    return dict(found)


def test_texts_are_not_split_where_nobody_asks_for_it(client: TestClient) -> None:
    filled(client)
    assert detail(client)["passages"] == {"split": False, "tokens": None, "overlap": 0}
    assert hit(client)["passage"] == {"start": 0, "end": len(LONG["text"])}


def test_a_long_text_is_found_by_its_best_passage(client: TestClient) -> None:
    filled(client, passages={"tokens": 16, "overlap": 4})
    assert detail(client)["passages"] == {"split": True, "tokens": 16, "overlap": 4}
    passage = hit(client)["passage"]
    assert "The moon." in LONG["text"][passage["start"] : passage["end"]]
    assert passage["end"] - passage["start"] < 200


def test_what_is_changed_is_said_of_the_index_that_serves(client: TestClient) -> None:
    filled(client)
    changed = client.patch("/collections/books", json={"passages": {"tokens": 16}}).json()
    assert changed["passages"] == {"split": True, "tokens": 16, "overlap": 0}
    assert "molt reindex books" in changed["warnings"][0]
    (made,) = client.get("/admin/generations").json()["generations"]
    assert made["passages"]["split"] is False
    back = client.patch("/collections/books", json={"passages": {"split": False}}).json()
    assert (back["passages"]["split"], back["warnings"]) == (False, [])


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"tokens": 4}, "#/passages/tokens"),
        ({"tokens": 10_000}, "#/passages/tokens"),
        ({"overlap": -1}, "#/passages/overlap"),
        ({"token": 20}, "#/passages/token"),
    ],
)
def test_what_cannot_be_is_named(client: TestClient, wrong: dict[str, int], pointer: str) -> None:
    answer = client.post("/collections", json={"name": "books", "passages": wrong})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_an_overlap_of_more_than_half_a_passage_is_refused(client: TestClient) -> None:
    wrong = {"tokens": 20, "overlap": 11}
    answer = client.post("/collections", json={"name": "books", "passages": wrong})
    assert answer.status_code == 422
    assert "passages.overlap must be a whole number from 0 to 10" in answer.text
