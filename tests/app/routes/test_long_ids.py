"""The longest ids there may be, through every route that takes one, on either database."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from molt.index.catalog.fields import MAX_ID_CHARS
from tests.app.serving import serving

HERE = "/collections/default"


@pytest.fixture(params=["sqlite", "postgresql"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TestClient]:
    flags: dict[str, Any] = {}
    if request.param == "postgresql":
        flags["catalog_url"] = request.getfixturevalue("postgresql_url")
    with serving(tmp_path, **flags) as client:
        yield client


@pytest.mark.parametrize("first", [0x4E00, 0x20000], ids=["3 bytes", "4 bytes"])
def test_the_longest_ids_are_taken_found_and_deleted(client: TestClient, first: int) -> None:
    chance = Random(7)
    doc_id, query_id, user_id = (
        "".join(chr(first + chance.randrange(0x2000)) for _ in range(MAX_ID_CHARS))
        for _ in range(3)
    )
    client.post("/collections", json={"name": "default"})
    path = f"{HERE}/documents/{quote(doc_id)}"
    document = {"id": doc_id, "text": "warm boots"}
    for _ in range(2):
        kept = client.post(f"{HERE}/documents", json={"documents": [document], "wait": True})
        assert kept.json()["indexed"] is True
    body = {
        "queries": [{"id": query_id, "text": "boots"}],
        "judgments": [{"query_id": query_id, "doc_id": doc_id, "grade": 2}],
        "pairs": [{"query": "boots", "doc_id": doc_id}],
    }
    for _ in range(2):
        judged = client.post(f"{HERE}/judgments", json=body)
        assert judged.json() == {"accepted": 3, "queries": 1, "judgments": 1, "pairs": 1}
    click = {"action_name": "click", "query_id": query_id, "user_id": user_id}
    click |= {"event_attributes": {"object": {"object_id": doc_id}}}
    assert client.post("/events", json=click).status_code == 200
    found = client.post("/search", json={"query": "warm boots", "collection": "default"})
    assert [hit["id"] for hit in found.json()["hits"]] == [doc_id]
    assert client.get(path).json()["text"] == "warm boots"
    assert client.delete(path).status_code == 200
    assert client.get(path).status_code == 404
