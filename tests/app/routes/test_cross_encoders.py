"""Cross-encoders over HTTP: in searches, for texts that come along, and among the models."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.index.catalog.access.keys import Role
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.releases import Reason
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.app.serving import BOOTS, service_of, serving
from tests.cross_encoders import accepted_cross_encoder, build_cross_encoder
from tests.waiting import wait_until

TEXTS = ["no such letter", "a zebra", "zzz"]
ZOO = {"id": "zoo", "text": "zzz warm"}
NOT_FOUND, UNAVAILABLE = "urn:molt:problem:model_not_found", "urn:molt:problem:unavailable"
BOTH = pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank", "/rerank"])


@dataclass(frozen=True)
class Zoo:
    """A service whose collection has a cross-encoder that likes the letter z; and another's."""

    client: TestClient
    own: str
    others: str

    def search(self, **body: Any) -> dict[str, Any]:
        answer = self.client.post("/search", json={"query": "warm", "k": 4} | body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def opened(home: Path) -> Iterator[Zoo]:
    own, others = (
        accepted_cross_encoder(home / "checkpoints", collection=name, weight=weight)
        for name, weight in (("default", 1.0), ("theirs", 2.0))
    )
    with serving(home) as client:
        assert client.post("/collections", json={"name": "default"}).status_code == 201
        sent = client.post("/collections/default/documents", json={"documents": [*BOOTS, ZOO]})
        assert sent.json()["indexed"] is True
        yield Zoo(client, own.id, others.id)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoo]:
    with opened(tmp_path_factory.mktemp("zoo")) as made:
        yield made


def rated(path: str, answer: Any) -> dict[int, float]:
    if path == "/rerank":
        return {one["index"]: one["score"] for one in answer}
    return {one["index"]: one["relevance_score"] for one in answer["results"]}


def test_a_search_is_re_ranked_by_the_collections_own(zoo: Zoo) -> None:
    found = zoo.search(rerank={"kind": "cross-encoder", "weight": 1.0, "depth": 10})
    assert found["hits"][0]["id"] == "zoo"
    assert found["hits"][0]["scores"]["rerank"] == 2.0
    told = {"kind": "cross-encoder", "depth": 10, "weight": 1.0, "model": zoo.own}
    assert found["search"]["rerank"] == told
    assert zoo.search(rerank="cross-encoder")["search"]["rerank"]["weight"] == 0.5


def test_every_form_of_a_search_can_ask_for_it(zoo: Zoo) -> None:
    url = {"q": "warm", "rerank": "cross-encoder", "rerank_depth": 3, "rerank_model": zoo.others}
    told = {"kind": "cross-encoder", "depth": 3, "weight": 0.5, "model": zoo.others}
    assert zoo.client.get("/search", params=url).json()["search"]["rerank"] == told
    wanted = {"kind": "cross-encoder", "depth": 3, "model": zoo.others}
    body = {"query": "warm", "rerank": wanted}
    in_path = zoo.client.post("/collections/default/search", json=body).json()
    assert in_path["search"]["rerank"] == told
    batch = zoo.client.post("/search/batch", json={"searches": [body, body]}).json()
    assert [one["answer"]["search"]["rerank"] for one in batch["results"]] == [told, told]


def test_a_model_that_nobody_knows_is_told_of_where_it_was_named(zoo: Zoo) -> None:
    asked = {"query": "warm", "rerank": {"kind": "cross-encoder", "model": "nobody"}}
    answer = zoo.client.post("/search", json=asked)
    assert (answer.status_code, answer.json()["type"]) == (404, NOT_FOUND)
    assert [one["pointer"] for one in answer.json()["errors"]] == ["#/rerank"]


def test_what_was_tuned_re_ranks_where_nothing_is_said_and_an_explanation_names_it(
    zoo: Zoo,
) -> None:
    releaser, catalog = (
        service_of(zoo.client).engine.releaser,
        service_of(zoo.client).engine.catalog,
    )
    ranking = SearchRanking(rerank=Reranking(RerankKind.CROSS_ENCODER, weight=0.7, model=zoo.own))
    releaser.retune(catalog.collections.get("default"), ranking, reason=Reason())
    told = {"kind": "cross-encoder", "depth": 50, "weight": 0.7, "model": zoo.own}
    wait_until(lambda: zoo.search()["search"]["rerank"])  # it may have to be opened
    found = zoo.search(explain=True)
    assert found["search"]["rerank"] == told
    best = found["hits"][0]
    named = {"kind": "cross-encoder", "model": zoo.own, "score": best["scores"]["rerank"]}
    assert best["explanation"]["rerank"] == named
    (release, *_) = zoo.client.get("/admin/releases").json()["releases"]
    assert release["rerank"] == told
    releaser.rollback("default", reason=Reason())
    assert zoo.search()["search"]["rerank"] is None


@BOTH
def test_texts_are_rated_by_a_cross_encoder_that_is_named(zoo: Zoo, path: str) -> None:
    texts = {"texts" if path == "/rerank" else "documents": TEXTS}
    answer = zoo.client.post(path, json={"query": "which z", "model": zoo.own} | texts)
    assert answer.status_code == 200, answer.text
    scores = rated(path, answer.json())
    assert [*scores] == [2, 1, 0]
    assert scores[1] == 0.5  # log-odds of 0
    alone = {name: [TEXTS[2]] for name in texts}
    again = zoo.client.post(path, json={"query": "which z", "model": zoo.own} | alone)
    assert rated(path, again.json())[0] == scores[2]


def test_the_tokens_of_each_pair_are_counted_and_a_text_that_would_be_cut_is_refused(
    zoo: Zoo,
) -> None:
    body = {"query": "zz", "documents": ["z", "zzz"], "model": zoo.own}
    answer = zoo.client.post("/v1/rerank", json=body).json()
    assert answer["usage"]["total_tokens"] == (2 + 1 + 3) + (2 + 3 + 3)
    assert answer["model"] == zoo.own
    long = body | {"documents": ["z", "z" * 90], "truncation": False}
    refused = zoo.client.post("/v1/rerank", json=long)
    assert refused.status_code == 413
    assert refused.json()["error"]["code"] == "text_too_long"


def test_an_alias_may_stand_for_one(zoo: Zoo) -> None:
    models = service_of(zoo.client).engine.models
    models.set_alias("rerank-v3.5", zoo.own)
    body = {"query": "z", "documents": ["z"], "model": "rerank-v3.5"}
    assert zoo.client.post("/v1/rerank", json=body).json()["model"] == zoo.own
    wanted = {"kind": "cross-encoder", "model": "rerank-v3.5"}
    assert zoo.search(rerank=wanted)["search"]["rerank"]["model"] == zoo.own


def test_models_tell_their_kind_and_one_that_scores_pairs_makes_no_embeddings(zoo: Zoo) -> None:
    kinds = {one["id"]: one["kind"] for one in zoo.client.get("/v1/models").json()["data"]}
    assert (kinds[zoo.own], kinds[zoo.others]) == ("cross-encoder", "cross-encoder")
    assert kinds.get("default", "bi-encoder") == "bi-encoder"
    answer = zoo.client.post("/v1/embeddings", json={"input": "z", "model": zoo.own})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "missing_capability")


def test_a_damaged_one_is_unavailable_where_it_is_asked_for(tmp_path: Path) -> None:
    made = build_cross_encoder(tmp_path / "checkpoints", data={"collection": "default"})
    (made.path / "runtime" / "fp32.onnx").write_bytes(b"no graph")
    with serving(tmp_path) as client:
        client.post("/collections", json={"name": "default"})
        asked = {"query": "z", "rerank": {"kind": "cross-encoder", "model": made.id}}
        answer = client.post("/search", json=asked)
        assert (answer.status_code, answer.json()["type"]) == (503, UNAVAILABLE)
        body = {"query": "z", "documents": ["z"], "model": made.id}
        assert client.post("/v1/rerank", json=body).status_code == 503


def test_a_key_of_some_collections_cannot_name_what_learnt_from_others(tmp_path: Path) -> None:
    with opened(tmp_path) as zoo:
        service = service_of(zoo.client)
        keys = service.engine.catalog.keys
        key = keys.create("tenant", Role.READ, reach=Reach.of(["default"]))
        service.guard._locked_until = 0.0
        for model, status in ((zoo.own, 200), (zoo.others, 404), (None, 200)):
            asked = {"query": "warm", "rerank": {"kind": "cross-encoder", "model": model}}
            answer = zoo.client.post("/search", json=asked, headers={"api-key": key})
            assert answer.status_code == status, model
