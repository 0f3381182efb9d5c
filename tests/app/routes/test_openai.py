import base64
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from molt.encoder.encoder import InputType
from tests.app.serving import service_of


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


def test_a_model_that_is_not_listed_is_not_found(shop: TestClient) -> None:
    answer = shop.get("/v1/models/gpt-9")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_null_is_the_same_as_left_out(shop: TestClient) -> None:
    nothing = dict.fromkeys(
        ("encoding_format", "dimensions", "user", "input_type", "task", "truncate", "truncation")
    )
    assert embed(shop, **nothing) == embed(shop)


QUERIES = ["query", "search_query", "SEARCH_QUERY", "retrieval.query", "RETRIEVAL_QUERY"]
DOCUMENTS = ["document", "passage", "search_document", "retrieval.passage", "classification"]


@pytest.mark.parametrize("key", ["input_type", "task"])
@pytest.mark.parametrize(
    ("words", "meant"), [(QUERIES, InputType.QUERY), (DOCUMENTS, InputType.DOCUMENT)]
)
def test_every_providers_words_choose_the_prompt(
    shop: TestClient, key: str, words: list[str], meant: InputType
) -> None:
    with service_of(shop).engine.models.encoder("default") as found:
        encoder: Any = found
        encoder.calls.clear()
        for word in words:
            embed(shop, **{key: word})
        assert [asked for _, asked, _ in encoder.calls] == [meant] * len(words)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"input_type": "question"}, "input_type: must be `query` or `document`"),
        ({"task": 3}, "task: must be `query` or `document`"),
        (
            {"input_type": "query", "task": "retrieval.passage"},
            "the body has input_type and task, and they differ",
        ),
        ({"dimensions": 8, "output_dimension": 9}, "has dimensions and output_dimension, and"),
        ({"truncate": "START"}, "truncate: must be `END` or `NONE`"),
        ({"normalized": False}, "normalized: can only be true"),
        ({"late_chunking": True}, "late_chunking: can only be false"),
        ({"temperature": 1}, "temperature: is not a known name"),
        ({"input": {"text": "a"}}, "input: must be a string or a list of strings, not an object"),
        ({"temperature": 1, "top_p": 1}, "known name; top_p: is not a known name"),
    ],
)
def test_what_would_change_something_is_refused_by_name(
    shop: TestClient, body: dict[str, Any], said: str
) -> None:
    answer = shop.post("/v1/embeddings", json={"model": "default", "input": "x"} | body)
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]


def test_what_other_providers_clients_send_is_taken(shop: TestClient) -> None:
    nim = embed(shop, input_type="passage", truncate="END", modality="text", user="u")
    jina = embed(shop, task="text-matching", normalized=True, late_chunking=False)
    assert nim["data"] == jina["data"] == embed(shop)["data"]
    voyage = embed(shop, truncation=True, output_dimension=8, output_dtype="float")
    assert voyage["data"] == embed(shop, dimensions=8)["data"]
    encoded = embed(shop, embedding_type="base64")
    assert encoded["data"] == embed(shop, encoding_format="base64")["data"]


@pytest.mark.parametrize(
    "path", ["/embeddings", "/openai/deployments/default/embeddings?api-version=2024-02-01"]
)
def test_clients_with_other_paths_get_the_same(shop: TestClient, path: str) -> None:
    body = {"model": "default", "input": ["a b"]}
    assert shop.post(path, json=body).json() == embed(shop)
    wrong = shop.post(path, json=body | {"input": ""})
    assert "is empty" in wrong.json()["error"]["message"]


def test_the_path_of_a_deployment_names_the_model(shop: TestClient) -> None:
    path = "/openai/deployments/{}/embeddings"
    body = {"input": "a b"}
    assert shop.post(path.format("default-embedding"), json=body).json() == embed(shop)
    assert shop.post(path.format("gpt-9"), json=body).status_code == 404


def test_an_answer_says_which_texts_were_cut(shop: TestClient) -> None:
    answer = embed(shop, input=["a b", "word " * 300])
    assert answer["truncated"] is True
    assert [one.get("truncated", False) for one in answer["data"]] == [False, True]
    assert embed(shop)["truncated"] is False
    assert "truncated" not in embed(shop)["data"][0]


@pytest.mark.parametrize("body", [{"truncate": "NONE"}, {"truncate": False}, {"truncation": False}])
def test_a_text_that_is_not_to_be_cut_is_refused_where_it_does_not_fit(
    shop: TestClient, body: dict[str, Any]
) -> None:
    assert embed(shop, **body)["data"] == embed(shop)["data"]
    texts = ["a b", "word " * 300]
    answer = shop.post("/v1/embeddings", json={"model": "default", "input": texts} | body)
    assert answer.status_code == 413
    assert "text 1 has more than the 256 tokens" in answer.json()["error"]["message"]
