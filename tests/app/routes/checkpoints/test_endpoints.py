from pathlib import Path

import pytest
from starlette.testclient import TestClient

from molt.encoder import Checkpoint, CheckpointStore, Prompts
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
    assert second.keys() == {"id", "default", "problem"}
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
