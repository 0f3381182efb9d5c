import numpy as np
import pytest
from starlette.testclient import TestClient


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


def test_reranking_is_not_available_yet(shop: TestClient) -> None:
    answer = shop.post("/rerank", json={"query": "q", "texts": ["a"]})
    assert answer.status_code == 422
    assert "not available yet" in answer.json()["error"]
