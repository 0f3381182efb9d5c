"""Activating and rolling back: the pointer moves at once, and no document is lost."""

import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.engine import releasing
from molt.engine.engine import Engine
from molt.engine.search.query import SearchQuery
from molt.index.catalog.access.keys import Role
from molt.index.generations.occupancy import hold_writing
from tests.app.serving import BOOTS, service_of
from tests.generations import make_generation
from tests.hashing import HashingEncoder

FIRST, SECOND = (HashingEncoder(seed=seed).checkpoint.id for seed in (0, 1))


@pytest.fixture
def engine(client: TestClient) -> Engine:
    """The engine of `client`, with three documents in the collection `default`, indexed."""
    assert client.post("/collections", json={"name": "default"}).status_code == 201
    write(client, *BOOTS)
    engine: Engine = service_of(client).engine
    return engine


def write(client: TestClient, *documents: dict[str, Any]) -> None:
    body = {"documents": list(documents)}
    assert client.post("/collections/default/documents", json=body).json()["indexed"] is True


def served(client: TestClient) -> tuple[str, str]:
    """The generation and the checkpoint that a search is answered from."""
    answer = client.get("/search", params={"q": "boots"}).json()
    return answer["generation"], answer["checkpoint"]


def found(client: TestClient, text: str) -> list[str]:
    hits = client.get("/search", params={"q": text, "k": 100}).json()["hits"]
    return [hit["id"] for hit in hits]


def moves(client: TestClient) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = client.get("/admin/releases").json()["releases"]
    return listed


def activate(client: TestClient, generation: str, **more: str) -> dict[str, Any]:
    answer = client.post("/admin/activate", json={"generation": generation} | more)
    assert answer.status_code == 200, answer.text
    released: dict[str, Any] = answer.json()
    return released


def rollback(client: TestClient, **more: str) -> dict[str, Any]:
    answer = client.post("/admin/rollback", json=more)
    assert answer.status_code == 200, answer.text
    released: dict[str, Any] = answer.json()
    return released


def test_a_generation_that_is_activated_answers_with_its_checkpoint_at_once(
    client: TestClient, engine: Engine
) -> None:
    before, first = served(client)
    made = make_generation(engine, "default")
    assert first == FIRST
    assert served(client) == (before, FIRST)
    assert activate(client, made) == {
        "collection": "default",
        "generation": made,
        "checkpoint": SECOND,
        "previous": before,
        "epoch": 2,
    }
    assert served(client) == (made, SECOND)


def test_a_rollback_goes_back_and_another_one_forth(client: TestClient, engine: Engine) -> None:
    before, _ = served(client)
    made = make_generation(engine, "default")
    activate(client, made)
    assert rollback(client)["generation"] == before
    assert served(client) == (before, FIRST)
    assert rollback(client)["generation"] == made
    assert served(client) == (made, SECOND)


def test_what_was_written_since_is_found_at_once_after_a_rollback(
    client: TestClient, engine: Engine
) -> None:
    activate(client, make_generation(engine, "default"))
    write(client, {"id": "late", "text": "a lantern"}, {"id": "d1", "text": "an old lantern"})
    client.delete("/collections/default/documents/d3")
    rollback(client)
    assert set(found(client, "lantern")[:2]) == {"late", "d1"}
    assert set(found(client, "tent")) == {"late", "d1", "d2"}


def test_what_was_written_while_a_generation_was_made_is_found_once_it_is_activated(
    client: TestClient, engine: Engine
) -> None:
    made = make_generation(engine, "default")
    write(client, {"id": "late", "text": "a lantern"})
    activate(client, made)
    assert found(client, "lantern")[0] == "late"


def test_documents_are_written_to_whatever_was_activated(
    client: TestClient, engine: Engine
) -> None:
    made = make_generation(engine, "default")
    activate(client, made)
    write(client, {"id": "late", "text": "a lantern"})
    assert (found(client, "lantern")[0], served(client)[0]) == ("late", made)


def test_the_history_says_who_moved_the_pointer_and_why(client: TestClient, engine: Engine) -> None:
    before, _ = served(client)
    made = make_generation(engine, "default")
    activate(client, made, reason="the season begins")
    rollback(client)
    keys = engine.catalog.keys
    client.headers["api-key"] = keys.create("night", Role.ADMIN)
    service_of(client).guard._locked_until = 0.0
    rollback(client, collection="default", reason="it was not that")
    assert [
        (move["actor"], move["reason"], move["previous"], move["generation"])
        for move in moves(client)
    ] == [
        ("night", "it was not that", before, made),
        ("local", "rolled back", made, before),
        ("local", "the season begins", before, made),
        ("molt", "first documents", None, before),
    ]


def test_activating_what_is_active_changes_nothing(client: TestClient, engine: Engine) -> None:
    active, _ = served(client)
    history = moves(client)
    released = activate(client, active, reason="to be sure")
    assert (released["generation"], released["previous"], released["epoch"]) == (active, active, 1)
    assert moves(client) == history


def test_with_nothing_served_before_there_is_nothing_to_roll_back_to(
    client: TestClient, engine: Engine
) -> None:
    answer = client.post("/admin/rollback", json={})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:molt:problem:nothing_to_roll_back"
    assert len(moves(client)) == 1


def test_an_unknown_collection_cannot_be_rolled_back(client: TestClient) -> None:
    answer = client.post("/admin/rollback", json={"collection": "none"})
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:molt:problem:collection_not_found"


def test_an_unknown_generation_cannot_be_activated(client: TestClient, engine: Engine) -> None:
    answer = client.post("/admin/activate", json={"generation": "0" * 32})
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:molt:problem:generation_not_found"
    answer = client.post("/admin/activate", json={"generation": "../default"})
    assert answer.status_code == 404
    answer = client.post("/admin/activate", json={"generation": "a\0b"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/generation")


def test_a_release_is_activated_by_its_name(client: TestClient, engine: Engine) -> None:
    assert served(client)
    body = {"epoch": 1, "name": "before-christmas"}
    assert client.post("/admin/releases/name", json=body).status_code == 204
    listed = client.get("/admin/releases").json()["releases"]
    assert [one["name"] for one in listed][-1] == "before-christmas"
    answer = client.post("/admin/activate", json={"generation": "before-christmas"})
    assert answer.json()["generation"] == listed[-1]["generation"]
    assert client.post("/admin/releases/name", json=body | {"epoch": 99}).status_code == 404
    for name in ("default", "beef", "a b"):
        assert client.post("/admin/releases/name", json=body | {"name": name}).status_code == 422


def test_a_name_that_releases_of_two_collections_have_says_so(
    client: TestClient, engine: Engine
) -> None:
    assert client.post("/collections", json={"name": "other"}).status_code == 201
    client.post("/collections/other/documents", json={"documents": BOOTS})
    for collection in ("default", "other"):
        body = {"collection": collection, "epoch": 1, "name": "before-christmas"}
        assert client.post("/admin/releases/name", json=body).status_code == 204
    answer = client.post("/admin/activate", json={"generation": "before-christmas"})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:molt:problem:ambiguous_id")
    assert "releases of several generations" in answer.json()["detail"]


def test_a_generation_of_a_collection_that_was_deleted_cannot_be_activated(
    client: TestClient, engine: Engine
) -> None:
    generation, _ = served(client)
    engine.indexer.close()  # else it is removed
    client.delete("/collections/default")
    client.post("/collections", json={"name": "default"})
    answer = client.post("/admin/activate", json={"generation": generation})
    assert (answer.status_code, moves(client)) == (404, [])


def test_a_damaged_generation_is_not_activated_and_the_active_one_serves_on(
    client: TestClient, engine: Engine
) -> None:
    before = served(client)
    made = make_generation(engine, "default")
    damage(engine, made)
    answer = client.post("/admin/activate", json={"generation": made})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:molt:problem:unavailable")
    assert "vectors.npy" in answer.json()["detail"]
    assert served(client) == before
    assert client.get("/readyz").status_code == 200


def damage(engine: Engine, generation: str) -> None:
    """Flip a bit of its vectors."""
    vectors = next(engine.generations.path(generation).rglob("vectors.npy"))
    content = bytearray(vectors.read_bytes())
    content[-1] ^= 1
    vectors.write_bytes(content)


def test_a_rollback_passes_over_a_former_generation_that_is_damaged(
    client: TestClient, engine: Engine
) -> None:
    sound, _ = served(client)
    damaged = activate(client, make_generation(engine, "default"))["generation"]
    activate(client, make_generation(engine, "default"))
    engine.indexer.close()
    damage(engine, damaged)
    assert rollback(client)["generation"] == sound


def test_a_generation_that_another_writes_is_not_activated(
    client: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = served(client)
    made = make_generation(engine, "default")
    monkeypatch.setattr(releasing, "_PATIENCE", 0.0)
    hold = hold_writing(engine.generations.path(made))
    answer = client.post("/admin/activate", json={"generation": made})
    hold.release()
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:molt:problem:generation_busy")
    assert served(client) == before


def test_a_generation_whose_checkpoint_is_gone_is_not_activated(
    client: TestClient, engine: Engine
) -> None:
    before = served(client)
    made = make_generation(engine, "default", seed=7)
    answer = client.post("/admin/activate", json={"generation": made})
    assert answer.status_code == 503
    assert HashingEncoder(seed=7).checkpoint.id in answer.json()["detail"]
    assert served(client) == before


def test_searches_during_rollbacks_see_one_pair_and_every_document(
    client: TestClient, engine: Engine
) -> None:
    before, _ = served(client)
    made = make_generation(engine, "default")
    pairs = {(before, FIRST), (made, SECOND)}
    wrong: list[object] = []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            answer = engine.search(SearchQuery("warm", "default", k=100))
            ids = {hit.id for hit in answer.page.hits}
            if (answer.generation, answer.checkpoint) not in pairs or not ids >= {"d1", "d2", "d3"}:
                wrong.append((answer.generation, answer.checkpoint, ids))

    readers = [threading.Thread(target=search) for _ in range(2)]
    for reader in readers:
        reader.start()
    activate(client, made)
    for number in range(3):
        write(client, {"id": f"new{number}", "text": "warm gloves"})
        rollback(client)
    stop.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert {f"new{number}" for number in range(3)} <= set(found(client, "gloves"))


def test_what_serves_is_released_as_soon_as_another_process_moves_the_pointer(
    client: TestClient, engine: Engine, tmp_path: Path
) -> None:
    made = make_generation(engine, "default")
    engine.catalog.collections.point("default", generation=made)
    while served(client)[0] != made:
        pass
    assert served(client) == (made, SECOND)


@pytest.mark.parametrize("reason", ["a\nb", "a\x1b[31mb", "a\x00", "\x85", " "])
def test_a_reason_is_a_line_without_control_characters(client: TestClient, reason: str) -> None:
    body = {"collection": "default", "reason": reason}
    assert client.post("/admin/rollback", json=body).status_code == 422
    body = {"generation": "a" * 32, "reason": reason}
    assert client.post("/admin/activate", json=body).status_code == 422
    body = {"collection": "default", "promote": "force", "reason": reason}
    assert client.post("/admin/retrain", json=body).status_code == 422
