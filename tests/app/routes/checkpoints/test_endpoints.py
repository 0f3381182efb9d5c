from pathlib import Path

import pytest
from starlette.testclient import TestClient

from molt.encoder import Checkpoint, CheckpointStore, Prompts
from molt.encoder.selection import describe_choice
from tests.app.serving import service_of
from tests.checkpoints import build_checkpoint

ROUTE = "/admin/checkpoints"


@pytest.fixture
def store(client: TestClient) -> CheckpointStore:
    store: CheckpointStore = service_of(client).engine.checkpoints
    return store


def damage(checkpoint: Checkpoint) -> str:
    (checkpoint.path / "checkpoint.json").write_text("{")
    return checkpoint.id


def test_a_home_without_checkpoints_lists_none(client: TestClient) -> None:
    assert client.get(ROUTE).json() == {"checkpoints": []}


def test_checkpoints_are_listed_as_each_is_described(
    client: TestClient, store: CheckpointStore
) -> None:
    made = [build_checkpoint(store.root, prompts=Prompts(query=query)) for query in ("a", "b")]
    listed = client.get(ROUTE).json()["checkpoints"]
    assert {one["id"] for one in listed} == {one.id for one in made}
    assert listed == [client.get(f"{ROUTE}/{one['id']}").json() for one in listed]


def test_a_checkpoint_is_described_as_its_manifest_says(
    client: TestClient, store: CheckpointStore
) -> None:
    made = build_checkpoint(store.root, prompts=Prompts(query="q: "), parent="none")
    service_of(client).engine.catalog.aliases.set("default", made.id)
    said = client.get(f"{ROUTE}/{made.id}").json()
    assert (said["id"], said["default"], said["parent"]) == (made.id, True, "none")
    assert said["prompts"] == {"query": "q: ", "document": ""}
    assert said["bytes"] == made.size
    assert (said["kind"], said["capabilities"]) == ("bi-encoder", ["embed", "tokens"])
    (variant,) = said["variants"]
    assert variant["fidelity"]["ndcg10"] == made.variants[0].fidelity.ndcg10


def test_a_damaged_checkpoint_is_listed_with_what_is_wrong(
    client: TestClient, store: CheckpointStore
) -> None:
    sound = build_checkpoint(store.root)
    damaged = damage(build_checkpoint(store.root, prompts=Prompts(query="q")))
    first, second = client.get(ROUTE).json()["checkpoints"]
    assert first["id"] == sound.id
    assert second.keys() == {"id", "name", "default", "problem"}
    assert (second["id"], second["default"]) == (damaged, False)
    assert "checkpoint.json: the manifest is not JSON" in second["problem"]


def test_a_damaged_checkpoint_is_503_and_the_others_stay_models(
    client: TestClient, store: CheckpointStore
) -> None:
    sound = build_checkpoint(store.root)
    damaged = damage(build_checkpoint(store.root, prompts=Prompts(query="q")))
    answer = client.get(f"{ROUTE}/{damaged}")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:molt:problem:unavailable")
    assert "the manifest is not JSON" in answer.json()["detail"]
    models = {one["id"] for one in client.get("/v1/models").json()["data"]}
    assert models >= {sound.id}
    assert damaged not in models


@pytest.mark.parametrize(
    "wanted", ["0" * 16, "none", "..", "%2e%2e", "..%2f..", "%2Fetc%2Fpasswd", "x" * 500]
)
def test_an_unknown_checkpoint_is_not_found(
    client: TestClient, store: CheckpointStore, tmp_path: Path, wanted: str
) -> None:
    build_checkpoint(store.root)
    answer = client.get(f"{ROUTE}/{wanted}")
    assert answer.status_code == 404
    assert str(tmp_path) not in answer.text


def test_a_name_stands_for_the_id_of_a_checkpoint(
    client: TestClient, store: CheckpointStore
) -> None:
    made, other = (build_checkpoint(store.root, prompts=Prompts(query=query)) for query in "ab")
    named = client.put(f"{ROUTE}/{made.id[:8]}/name", json={"name": "shop-2026"})
    assert (named.status_code, named.json()) == (200, {"id": made.id, "name": "shop-2026"})
    said = client.get(f"{ROUTE}/shop-2026").json()
    assert (said["id"], said["name"]) == (made.id, "shop-2026")
    names = {one["id"]: one["name"] for one in client.get(ROUTE).json()["checkpoints"]}
    assert names == {made.id: "shop-2026", other.id: None}


def test_a_name_goes_over_to_whichever_was_named_last(
    client: TestClient, store: CheckpointStore
) -> None:
    made, other = (build_checkpoint(store.root, prompts=Prompts(query=query)) for query in "ab")
    for checkpoint in (made, other):
        client.put(f"{ROUTE}/{checkpoint.id}/name", json={"name": "shop-2026"})
    assert client.get(f"{ROUTE}/shop-2026").json()["id"] == other.id
    assert client.get(f"{ROUTE}/{made.id}").json()["name"] is None


def test_a_name_that_was_taken_away_names_nothing(
    client: TestClient, store: CheckpointStore
) -> None:
    made = build_checkpoint(store.root)
    client.put(f"{ROUTE}/{made.id}/name", json={"name": "shop-2026"})
    assert client.delete(f"{ROUTE}/shop-2026/name").status_code == 204
    assert client.delete(f"{ROUTE}/{made.id}/name").status_code == 204
    assert client.get(f"{ROUTE}/shop-2026").status_code == 404


@pytest.mark.parametrize("name", ["", "default", "abc123", "a b", "-x", "x" * 64, 7, None])
def test_what_could_be_no_name_is_refused(
    client: TestClient, store: CheckpointStore, name: object
) -> None:
    made = build_checkpoint(store.root)
    answer = client.put(f"{ROUTE}/{made.id}/name", json={"name": name})
    assert answer.status_code == 422
    assert "name" in answer.json()["detail"]
    assert client.get(f"{ROUTE}/{made.id}").json()["name"] is None


def test_what_is_not_there_has_no_name(client: TestClient, store: CheckpointStore) -> None:
    build_checkpoint(store.root)
    assert client.put(f"{ROUTE}/{'0' * 16}/name", json={"name": "x"}).status_code == 404
    assert client.delete(f"{ROUTE}/{'0' * 16}/name").status_code == 404


def test_a_damaged_checkpoint_can_be_named(client: TestClient, store: CheckpointStore) -> None:
    damaged = damage(build_checkpoint(store.root))
    assert client.put(f"{ROUTE}/{damaged}/name", json={"name": "broken"}).status_code == 200
    (listed,) = client.get(ROUTE).json()["checkpoints"]
    assert (listed["name"], "problem" in listed) == ("broken", True)


def test_it_is_said_which_variant_serves_and_why(
    client: TestClient, store: CheckpointStore
) -> None:
    made = build_checkpoint(store.root)
    choice = describe_choice(made, cache=service_of(client).settings.layout.cache)
    said = client.get(f"{ROUTE}/{made.id}").json()["serves"]
    assert said == {"variant": choice.variant, "reason": choice.reason}
    assert said["variant"] in {variant.name for variant in made.variants}
