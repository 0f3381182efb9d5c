"""Experiments over HTTP: begun, taken part in by searches, told, and stopped."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.engine.engine import Engine
from molt.index.catalog.access.keys import Role
from tests.app.serving import service_of, serving
from tests.generations import make_generation

LAMPS = [{"id": f"d{n}", "text": f"number {n} is a {n % 7} lamp"} for n in range(30)]
TYPE = "urn:molt:problem:"
MODES = {"a": {"mode": "lexical"}, "b": {"mode": "dense"}, "share": 1}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """The application with thirty documents in `default`; its threads look when they are told."""
    flags = {"experiments": {"credit_seconds": 0.0}, "index": {"poll_seconds": 3600.0}}
    with serving(tmp_path, **flags) as client:
        assert client.post("/collections", json={"name": "default"}).status_code == 201
        written = client.post("/collections/default/documents", json={"documents": LAMPS})
        assert written.json()["indexed"] is True
        yield client


@pytest.fixture
def engine(client: TestClient) -> Engine:
    found: Engine = service_of(client).engine
    return found


def start(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/admin/experiments", json=body)
    assert answer.status_code == 201, answer.text
    service_of(client).engine.experimenter.look()
    begun: dict[str, Any] = answer.json()
    return begun


def search(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/search", json={"query": "lamp number 7"} | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def metric(client: TestClient, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    (value,) = (line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} "))
    return float(value)


def test_an_experiment_is_begun_listed_and_stopped(client: TestClient) -> None:
    begun = start(client, **MODES, level=0.01)
    assert (begun["number"], begun["state"], begun["level"]) == (1, "running", 0.01)
    assert begun["a"] == {"generation": None, "mode": "lexical", "rerank": "tuned"}
    assert client.get("/admin/experiments").json() == {"experiments": [begun]}
    stopped = client.post("/admin/experiments/stop", json={"reason": "seen enough"}).json()
    assert (stopped["state"], stopped["reason"]) == ("ended", "seen enough")
    assert stopped["better"] is None
    again = client.post("/admin/experiments/stop", json={})
    assert (again.status_code, again.json()["type"]) == (404, f"{TYPE}experiment_not_found")


def test_a_search_tells_that_both_arms_answered_and_its_clicks_are_counted(
    client: TestClient, engine: Engine
) -> None:
    assert "experiment" not in search(client)["search"]
    start(client, **MODES)
    answer = search(client)
    assert answer["search"]["experiment"] == {"number": 1, "method": "team-draft"}
    assert {hit["arm"] for hit in answer["hits"]} == {"a", "b"}
    assert answer["cursor"] is None
    clicked = next(hit["id"] for hit in reversed(answer["hits"]) if hit["arm"] == "b")
    event = {
        "action_name": "click",
        "query_id": answer["query_id"],
        "event_attributes": {"object": {"object_id": clicked}},
    }
    for _ in range(2):  # the same event twice is one click
        assert client.post("/events", json=event).status_code == 200
    engine.experimenter.look()
    (told,) = client.get("/admin/experiments").json()["experiments"]
    assert (told["searches"], told["counted"]) == (1, 1)
    assert told["credit"] == {"a": 0.0, "b": 1.0}
    assert told["e_value"]["b"] > 1 > told["e_value"]["a"]
    assert metric(client, 'molt_experiment_running{collection="default"}') == 1
    assert metric(client, 'molt_experiment_searches{collection="default"}') == 1
    assert metric(client, 'molt_experiment_counted{collection="default"}') == 1
    assert metric(client, 'molt_experiment_credit{arm="b",collection="default"}') == 1
    assert metric(client, 'molt_experiment_log_e{arm="a",collection="default"}') < 0


def test_a_search_by_its_url_takes_part_too(client: TestClient) -> None:
    start(client, **MODES)
    given = {"q": "lamp number 7", "client_id": "ann"}
    first, second = (client.get("/search", params=given).json() for _ in range(2))
    assert first["search"]["experiment"]["number"] == 1
    assert first["hits"] == second["hits"]
    batch = client.post("/search/batch", json={"searches": [{"query": "lamp"}]}).json()
    assert batch["results"][0]["answer"]["search"]["experiment"]["number"] == 1


def test_a_search_that_asks_for_one_ranking_gets_it(client: TestClient) -> None:
    start(client, **MODES)
    asked: list[dict[str, Any]] = [
        {"mode": "hybrid"},
        {"rerank": False},
        {"explain": True},
        {"sort": ["id"]},
        {"offset": 5},
        {"min_score": 0.0},
    ]
    assert "experiment" in search(client)["search"]
    took_part = [one for one in asked if "experiment" in search(client, **one)["search"]]
    assert took_part == []
    assert "experiment" in client.get("/search?q=lamp").json()["search"]
    assert "experiment" not in client.get("/search?q=lamp&mode=hybrid").json()["search"]


def test_two_generations_are_compared_and_the_answer_names_what_serves(
    client: TestClient, engine: Engine
) -> None:
    before = search(client)["generation"]
    nothing = client.post("/admin/experiments", json={})
    assert (nothing.status_code, nothing.json()["type"]) == (409, f"{TYPE}nothing_to_roll_back")
    made = make_generation(engine, "default")
    assert client.post("/admin/activate", json={"generation": made}).status_code == 200
    begun = start(client, share=1)
    assert (begun["a"]["generation"], begun["b"]["generation"]) == (before, made)
    answer = search(client)
    assert answer["generation"] == made
    assert answer["search"]["experiment"]["number"] == 1
    second = client.post("/admin/experiments", json=MODES)
    assert (second.status_code, second.json()["type"]) == (409, f"{TYPE}experiment_running")


def test_an_experiment_that_compares_nothing_is_refused(client: TestClient) -> None:
    refused: list[tuple[dict[str, Any], str]] = [
        ({"a": {"mode": "fuzzy"}}, "mode"),
        ({"share": 0}, "share"),
        ({"level": 0.9}, "level"),
        ({"a": {"mode": "dense"}, "b": {"mode": "dense"}}, "is the same as a"),
        ({"collection": "Nope"}, "collection"),
    ]
    for body, said in refused:
        answer = client.post("/admin/experiments", json=MODES | body)
        assert answer.status_code == 422, body
        assert said in answer.text
    assert client.get("/admin/experiments").json() == {"experiments": []}
    start(client, **MODES)


def test_only_administrators_begin_and_read_experiments(tmp_path: Path) -> None:
    with serving(tmp_path / "keys") as client:
        keys = service_of(client).engine.catalog.keys
        roles = {role: {"api-key": keys.create(role.value, role)} for role in Role}
        for method, path, body in (
            ("GET", "/admin/experiments", None),
            ("POST", "/admin/experiments", {}),
            ("POST", "/admin/experiments/stop", {}),
        ):
            statuses = {
                role: client.request(method, path, json=body, headers=key).status_code
                for role, key in roles.items()
            }
            assert statuses == {Role.READ: 403, Role.WRITE: 403, Role.ADMIN: 404}  # no collection
