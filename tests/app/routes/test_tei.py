from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.app.serving import service_of, serving
from tests.checkpoints import build_checkpoint

LONG = "word " * 300


@pytest.mark.parametrize("inputs", ["one text", ["one text", "another"]])
def test_texts_become_bare_lists_of_numbers(shop: TestClient, inputs: object) -> None:
    vectors = np.array(shop.post("/embed", json={"inputs": inputs}).json())
    assert vectors.shape == (1 if isinstance(inputs, str) else 2, 64)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


def test_what_clients_of_tei_send_is_taken(shop: TestClient) -> None:
    body = {
        "inputs": "x",
        "normalize": True,
        "truncate": True,
        "truncation_direction": "Right",
        "prompt_name": "query",
        "dimensions": 8,
    }
    assert len(shop.post("/embed", json=body).json()[0]) == 8


def test_the_info_names_the_model_and_its_limits(shop: TestClient) -> None:
    info = shop.get("/info").json()
    assert (info["model_id"], info["max_input_length"]) == ("hashing", 256)
    assert info["model_type"] == {"embedding": {"pooling": "mean"}}
    assert info["max_client_batch_size"] == 2048


def test_an_error_has_the_shape_of_tei(shop: TestClient) -> None:
    answer = shop.post("/embed", json={"inputs": []})
    assert answer.status_code == 422
    assert answer.json() == {
        "error": "inputs: must hold at least one text",
        "error_type": "Validation",
    }


def test_null_and_what_changes_nothing_are_taken(shop: TestClient) -> None:
    plain = shop.post("/embed", json={"inputs": "a tent"}).json()
    body = {"inputs": "a tent", "normalize": None, "truncate": None, "prompt_name": None}
    body |= {"truncation_direction": None, "dimensions": None}
    assert shop.post("/embed", json=body).json() == plain
    raw = {"inputs": "a tent", "truncate": True, "normalize": False}
    assert shop.post("/embed", json=raw).json() == plain
    fits = {"inputs": "a tent", "truncate": False, "truncation_direction": "left"}
    assert shop.post("/embed", json=fits).json() == plain


def test_the_root_is_embed(shop: TestClient) -> None:
    body = {"inputs": ["a tent", "boots"]}
    assert shop.post("/", json=body).json() == shop.post("/embed", json=body).json()
    assert shop.post("/", json={}).json()["error_type"] == "Validation"


@pytest.mark.parametrize("path", ["/embed", "/", "/embed_all"])
@pytest.mark.parametrize("reading", [{"truncate": False}, {"truncation_direction": "Left"}])
def test_a_text_that_cannot_be_read_as_asked_is_413(
    shop: TestClient, path: str, reading: dict[str, object]
) -> None:
    answer = shop.post(path, json={"inputs": ["x", LONG]} | reading)
    assert answer.status_code == 413
    assert answer.json() == {
        "error": "inputs: text 1 has more than the 256 tokens that the model reads; shorten it, or "
        "let it be cut",
        "error_type": "Validation",
    }


def test_a_header_names_the_texts_that_were_cut(shop: TestClient) -> None:
    assert shop.post("/embed", json={"inputs": [LONG, "x", LONG]}).headers["x-truncated"] == "0,2"
    assert "x-truncated" not in shop.post("/embed", json={"inputs": "x"}).headers


def test_similarity_is_the_cosine_with_each_sentence(shop: TestClient) -> None:
    inputs = {"source_sentence": "a tent", "sentences": ["a tent", "boots", "tent"]}
    answer = shop.post("/similarity", json={"inputs": inputs, "parameters": {"truncate": True}})
    same, other, near = answer.json()
    assert same == pytest.approx(1, abs=1e-6)
    assert same > near > other
    wrong = shop.post("/similarity", json={"inputs": inputs | {"sentences": []}})
    assert (wrong.status_code, wrong.json()["error_type"]) == (422, "Validation")


def test_as_many_sentences_are_compared_as_texts_may_be_sent(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"max_inputs": 3}) as client:
        inputs = {"source_sentence": "a tent", "sentences": ["a tent", "boots", "tent"]}
        assert len(client.post("/similarity", json={"inputs": inputs}).json()) == 3
        inputs["sentences"] = ["boots"] * 4
        answer = client.post("/similarity", json={"inputs": inputs})
    assert (answer.status_code, "holds 4 texts" in answer.json()["error"]) == (422, True)


def test_tokens_tell_where_they_stand_however_long_the_text_is(shop: TestClient) -> None:
    (tokens,) = shop.post("/tokenize", json={"inputs": "a tent"}).json()
    assert [token["text"] for token in tokens] == ["[CLS]", "a", "tent", "[SEP]"]
    assert [token["special"] for token in tokens] == [True, False, False, True]
    assert [(token["start"], token["stop"]) for token in tokens[1:3]] == [(0, 1), (2, 6)]
    assert tokens[0]["start"] is None
    body = {"inputs": ["x", LONG], "add_special_tokens": False}
    assert [len(one) for one in shop.post("/tokenize", json=body).json()] == [1, 300]


def test_ids_become_texts_again(shop: TestClient) -> None:
    (tokens,) = shop.post("/tokenize", json={"inputs": "a tent"}).json()
    ids = [token["id"] for token in tokens]
    (one,) = shop.post("/decode", json={"ids": ids}).json()
    every = shop.post("/decode", json={"ids": [ids, ids], "skip_special_tokens": False}).json()
    assert len(one.split()) == 2
    assert [len(each.split()) for each in every] == [4, 4]


@pytest.mark.parametrize("ids", [[], [[]], [-1], [2**32], ["a"], [[1], 2], "1", None, [1.5]])
def test_what_is_no_id_is_refused(shop: TestClient, ids: object) -> None:
    assert shop.post("/decode", json={"ids": ids}).status_code == 422


def test_every_token_has_a_vector(shop: TestClient) -> None:
    answer = shop.post("/embed_all", json={"inputs": ["a tent", "boots"]}).json()
    assert [np.array(one).shape for one in answer] == [(4, 64), (3, 64)]
    pooled = np.array(answer[0]).sum(axis=0)
    (vector,) = shop.post("/embed", json={"inputs": "a tent"}).json()
    assert pooled / np.linalg.norm(pooled) == pytest.approx(vector, abs=1e-5)


def test_more_tokens_than_an_answer_may_hold_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"max_answer_bytes": 4096}) as client:
        for path, body in (
            ("/tokenize", {"inputs": "x" * 100}),
            ("/decode", {"ids": [7] * 100}),
            ("/embed_all", {"inputs": ["a b c"] * 4}),
        ):
            answer = client.post(path, json=body)
            assert answer.status_code == 422, path
            assert "limits.max_answer_bytes" in answer.json()["error"]
        assert client.post("/embed_all", json={"inputs": "a b c"}).status_code == 200


def test_a_checkpoint_without_token_vectors_says_what_to_do(tmp_path: Path) -> None:
    old = build_checkpoint(tmp_path / "home" / "checkpoints", tokens=False)
    with serving(tmp_path / "home") as client:
        engine = service_of(client).engine
        engine.catalog.aliases.set("default", old.id)
        engine.live_collections.read_aliases()
        answer = client.post("/embed_all", json={"inputs": "ab"})
        assert answer.status_code == 422
        assert f"molt checkpoints upgrade {old.id}" in answer.json()["error"]
        (tokens,) = client.post("/tokenize", json={"inputs": "ab"}).json()
        ids = [token["id"] for token in tokens]
        assert client.post("/decode", json={"ids": ids}).json() == ["[CLS] a ##b [SEP]"]


def test_similarity_names_the_sentence_that_is_too_long_as_it_was_sent(shop: TestClient) -> None:
    body = {"parameters": {"truncate": False}}
    inputs = {"source_sentence": "x", "sentences": ["y", LONG]}
    answer = shop.post("/similarity", json=body | {"inputs": inputs})
    assert answer.json()["error"].startswith("inputs.sentences: text 1 has more than the 256")
    inputs = {"source_sentence": LONG, "sentences": ["y"]}
    answer = shop.post("/similarity", json=body | {"inputs": inputs})
    assert answer.status_code == 413
    assert answer.json()["error"].startswith("inputs.source_sentence: has more than the 256")


def test_ids_that_are_no_list_are_told_by_what_they_are(shop: TestClient) -> None:
    error = shop.post("/decode", json={"ids": 5}).json()["error"]
    assert error == "ids: must be a list of whole numbers, not a number"
