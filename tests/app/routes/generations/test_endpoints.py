from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.app.routes.generations.schemas import GenerationState
from molt.index.catalog.releases import Reason
from tests.app.serving import service_of

BOOTS = {"documents": [{"id": "d1", "text": "warm waterproof boots"}]}


def index(client: TestClient, *names: str) -> None:
    """Collections with one document each, indexed in this order."""
    for name in names:
        assert client.post("/collections", json={"name": name}).status_code == 201
        assert client.post(f"/collections/{name}/documents", json=BOOTS).json()["indexed"]


def generations(client: TestClient, **query: str) -> list[dict[str, Any]]:
    answer = client.get("/admin/generations", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["generations"]
    return found


def releases(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/admin/releases", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["releases"]
    return found


def test_without_documents_nothing_was_made_or_released(client: TestClient) -> None:
    client.post("/collections", json={"name": "shop"})
    assert generations(client) == []
    assert releases(client) == []


def test_a_generation_says_whose_it_is_and_how_far_it_has_come(client: TestClient) -> None:
    index(client, "shop")
    state = client.get("/collections/shop").json()
    (found,) = generations(client)
    assert found["id"] == state["generation"]
    assert (found["collection"], found["active"]) == ("shop", True)
    assert (found["checkpoint"], found["revision"]) == (state["checkpoint"], 1)
    assert (found["segments"], found["rows"]) == (1, 1)
    assert found["bytes"] > 0
    assert found.keys() == GenerationState.model_fields.keys()


def test_generations_come_oldest_first_or_of_one_collection(client: TestClient) -> None:
    index(client, "b", "a")
    assert [one["collection"] for one in generations(client)] == ["b", "a"]
    assert [one["collection"] for one in generations(client, collection="a")] == ["a"]


def damage(client: TestClient, tmp_path: Path, name: str) -> str:
    generation = client.get(f"/collections/{name}").json()["generation"]
    service_of(client).engine.indexer.close()  # else it is rebuilt at once
    (tmp_path / "generations" / generation / "generation.json").write_text("{")
    return str(generation)


def test_a_damaged_generation_is_listed_with_what_is_wrong(
    client: TestClient, tmp_path: Path
) -> None:
    index(client, "shop", "other")
    damaged = damage(client, tmp_path, "shop")
    sound, last = generations(client)
    assert sound["collection"] == "other"
    problem = last.pop("problem")
    assert last == {"id": damaged, "collection": "shop", "active": True}
    assert "generation.json: the manifest is not JSON" in problem
    assert [one["id"] for one in generations(client, collection="shop")] == [damaged]


def test_a_release_says_who_moved_the_pointer_and_why(client: TestClient) -> None:
    index(client, "shop")
    state = client.get("/collections/shop").json()
    (first,) = releases(client, collection="shop")
    assert datetime.fromisoformat(first.pop("at")).tzinfo is not None
    assert first == {
        "collection": "shop",
        "epoch": 1,
        "previous": None,
        "generation": state["generation"],
        "checkpoint": state["checkpoint"],
        "actor": "molt",
        "reason": "first documents",
        "report": None,
        "gate": None,
        "name": None,
        "fusion": None,
        "fields": None,
        "rerank": None,
    }


def test_releases_of_all_collections_come_newest_first_up_to_a_limit(client: TestClient) -> None:
    index(client, "a", "b")
    collections = service_of(client).engine.catalog.collections
    for name in ("a", "b", "a"):
        pointed = collections.get(name).generation
        collections.point(name, generation=pointed, reason=Reason("ann", "again", "r1"))
    moves = [(one["collection"], one["epoch"]) for one in releases(client)]
    assert moves == [("a", 3), ("b", 2), ("a", 2), ("b", 1), ("a", 1)]
    assert releases(client, limit=2) == releases(client)[:2]
    assert [one["epoch"] for one in releases(client, collection="a")] == [3, 2, 1]
    assert (releases(client)[0]["actor"], releases(client)[0]["report"]) == ("ann", "r1")


def test_a_release_of_a_generation_that_is_gone_or_damaged_has_no_checkpoint(
    client: TestClient, tmp_path: Path
) -> None:
    index(client, "shop")
    collections = service_of(client).engine.catalog.collections
    damaged = damage(client, tmp_path, "shop")
    collections.point("shop", generation="f" * 32)
    gone, first = releases(client, collection="shop")
    assert (gone["generation"], gone["checkpoint"]) == ("f" * 32, None)
    assert (first["generation"], first["checkpoint"]) == (damaged, None)
    assert gone["previous"] == damaged


@pytest.mark.parametrize("path", ["/admin/generations", "/admin/releases"])
def test_an_unknown_collection_is_not_found(client: TestClient, path: str) -> None:
    answer = client.get(path, params={"collection": "none"})
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:molt:problem:collection_not_found"


@pytest.mark.parametrize("limit", ["0", "1001", "x", ""])
def test_a_limit_that_makes_no_sense_is_refused(client: TestClient, limit: str) -> None:
    assert client.get("/admin/releases", params={"limit": limit}).status_code == 422
