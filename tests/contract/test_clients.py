"""Unchanged clients against a real server with the default checkpoint."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openai
import pytest
from langchain_openai import OpenAIEmbeddings

from tests.server import ServerProcess, make_home

TEXTS = ["warm waterproof boots", "a tent for two", "boots that keep the feet dry"]


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory, default_checkpoint: Path
) -> Iterator[ServerProcess]:
    home = make_home(tmp_path_factory.mktemp("home"), default_checkpoint)
    with ServerProcess(home) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_openai_gets_vectors_that_know_what_is_alike(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="default", input=TEXTS)
    vectors = np.array([one.embedding for one in answer.data])
    assert vectors.shape == (3, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    boots, tent, dry = vectors
    assert boots @ dry > boots @ tent + 0.2
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 12


def test_openai_gets_the_same_in_both_encodings(client: openai.OpenAI) -> None:
    default = client.embeddings.create(model="default", input="boots")
    floats = client.embeddings.create(model="default", input="boots", encoding_format="float")
    assert default.data[0].embedding == pytest.approx(floats.data[0].embedding, abs=1e-7)


def test_openai_may_shorten_vectors(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="default", input="boots", dimensions=64, user="u1")
    assert len(answer.data[0].embedding) == 64


def test_openai_lists_the_models_it_may_ask_for(client: openai.OpenAI) -> None:
    models = {model.id: model for model in client.models.list()}
    root = models["default"].model_dump()["root"]
    assert models[root].owned_by == "molt"
    assert client.models.retrieve("default").created == models[root].created
    assert client.embeddings.create(model=root, input="boots").model == root


def test_openai_raises_what_it_raises_for_openai(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as missing:
        client.embeddings.create(model="text-embedding-3-small", input="boots")
    assert (missing.value.code, missing.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.BadRequestError, match="check_embedding_ctx_length=False"):
        client.embeddings.create(model="default", input=[1, 2, 3])
    with pytest.raises(openai.UnprocessableEntityError, match="empty"):
        client.embeddings.create(model="default", input="")


def test_langchain_embeds_documents_and_queries(server: ServerProcess) -> None:
    embeddings = OpenAIEmbeddings(  # type: ignore[call-arg]
        model="default",
        base_url=f"{server.url}/v1",
        api_key="none",
        check_embedding_ctx_length=False,
    )
    documents = np.array(embeddings.embed_documents(TEXTS))
    query = np.array(embeddings.embed_query("footwear for rain"))
    assert (documents @ query).argmax() != 1
    assert documents.shape == (3, 384)


def test_a_search_finds_by_meaning(server: ServerProcess) -> None:
    server.ask("POST", "/collections", {"name": "default"})
    documents = [{"id": str(number), "text": text} for number, text in enumerate(TEXTS)]
    status, ack = server.ask("POST", "/collections/default/documents", {"documents": documents})
    assert (status, ack["indexed"]) == (200, True)
    status, found = server.ask("GET", "/search?q=camping&k=1")
    assert (status, found["hits"][0]["id"]) == (200, "1")
