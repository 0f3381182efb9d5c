import base64
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient


def embed(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/embeddings", json={"model": "default", "input": "a b"} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_text_becomes_one_vector_of_length_one(shop: TestClient) -> None:
    answer = embed(shop)
    vector = np.array(answer["data"][0]["embedding"], dtype=np.float32)
    assert (answer["object"], answer["data"][0]["object"]) == ("list", "embedding")
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    assert answer["usage"] == {"prompt_tokens": 4, "total_tokens": 4}


def test_vectors_come_in_the_order_of_the_texts(shop: TestClient) -> None:
    together = embed(shop, input=["x", "y"])["data"]
    assert [one["index"] for one in together] == [0, 1]
    assert together[1]["embedding"] == embed(shop, input="y")["data"][0]["embedding"]


def test_base64_holds_the_same_little_endian_floats(shop: TestClient) -> None:
    encoded = embed(shop, encoding_format="base64")["data"][0]["embedding"]
    numbers = embed(shop, encoding_format="float")["data"][0]["embedding"]
    decoded = np.frombuffer(base64.b64decode(encoded), dtype="<f4")
    assert np.array_equal(decoded, np.array(numbers, dtype=np.float32))


def test_fewer_dimensions_are_the_leading_ones_normalised_again(shop: TestClient) -> None:
    whole = np.array(embed(shop)["data"][0]["embedding"])
    part = np.array(embed(shop, dimensions=8)["data"][0]["embedding"])
    assert part == pytest.approx(whole[:8] / np.linalg.norm(whole[:8]), abs=1e-6)


def test_more_dimensions_than_there_are_name_the_parameter(shop: TestClient) -> None:
    body = {"model": "default", "input": "x", "dimensions": 65}
    answer = shop.post("/v1/embeddings", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "message": "dimensions must be 1 to 64 for model 'default'",
        "type": "invalid_request_error",
        "param": "dimensions",
        "code": "invalid_dimensions",
    }


def test_the_model_of_the_answer_can_be_asked_for_by_its_id(shop: TestClient) -> None:
    first = embed(shop)
    assert embed(shop, model=first["model"])["data"] == first["data"]


def test_a_text_that_is_none_is_named_among_the_others(shop: TestClient) -> None:
    body = {"model": "default", "input": ["a", None]}
    told = shop.post("/v1/embeddings", json=body).json()["error"]
    assert told["message"] == "input: must be a string or a list of strings; text 1 is null"
    assert told["param"] == "input"


def test_an_unknown_model_is_not_found_as_openai_says_it(shop: TestClient) -> None:
    answer = shop.post("/v1/embeddings", json={"model": "gpt-9", "input": "x"})
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("model_not_found", "model")


@pytest.mark.parametrize("tokens", [[1, 2, 3], [[1, 2], [3]]])
def test_token_arrays_are_refused_with_the_way_out(shop: TestClient, tokens: object) -> None:
    answer = shop.post("/v1/embeddings", json={"model": "default", "input": tokens})
    assert answer.status_code == 400
    assert "check_embedding_ctx_length=False" in answer.json()["error"]["message"]


def test_reranking_is_not_available_yet(shop: TestClient) -> None:
    answer = shop.post("/v1/rerank", json={"query": "q", "documents": ["a"]})
    assert answer.status_code == 422
    assert "not available yet" in answer.json()["error"]["message"]


def test_a_model_that_is_not_listed_is_not_found(shop: TestClient) -> None:
    answer = shop.get("/v1/models/gpt-9")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
