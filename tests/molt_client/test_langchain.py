"""Molt as LangChain's embeddings, retriever and vector store, against a real server."""

import numpy as np
import pytest
from langchain_core.documents import Document
from molt_client import Molt
from molt_client.neighbours.langchain import MoltEmbeddings, MoltRetriever, MoltVectorStore


def test_embeddings_tell_queries_from_documents(molt: Molt) -> None:
    embeddings = MoltEmbeddings(molt)
    texts = [f"text {number}" for number in range(300)]
    vectors = np.array(embeddings.embed_documents(texts))
    assert vectors.shape[0] == 300
    assert vectors[7] == pytest.approx(embeddings.embed_documents(["text 7"])[0], abs=1e-6)
    assert len(embeddings.embed_query("text 7")) == vectors.shape[1]


def test_a_retriever_gives_documents_with_their_metadata(molt: Molt) -> None:
    cheap = {"filter": {"field": "price", "lt": 100}}
    retriever = MoltRetriever(molt=molt, collection="shop", k=2, options=cheap)
    boots, socks = retriever.invoke("warm boots")
    assert (boots.id, socks.id) == ("d1", "d2")
    assert boots.page_content == "warm waterproof boots"
    assert boots.metadata["price"] == 80
    assert boots.metadata["molt_title"] == "Boots"
    assert boots.metadata["molt_score"] > socks.metadata["molt_score"]


def test_a_store_is_filled_searched_and_emptied(molt: Molt) -> None:
    store = MoltVectorStore(molt, "notes")
    documents = [
        Document(id="a", page_content="a tent for two", metadata={"kind": "tent"}),
        Document(id="b", page_content="warm boots", metadata={"kind": "shoe"}),
    ]
    assert store.add_documents(documents) == ["a", "b"]
    assert [one.id for one in store.similarity_search("boots", k=1)] == ["b"]
    tents = {"field": "kind", "eq": "tent"}
    ((found, score),) = store.similarity_search_with_score("boots", filter=tents)
    assert found.id == "a"
    assert 0 <= score <= 1
    assert [one.id for one in store.get_by_ids(["b", "z"])] == ["b"]
    assert store.delete(["a", "b"])
    assert store.similarity_search("boots") == []
    with pytest.raises(ValueError, match="name the ids"):
        store.delete()


def test_a_store_is_made_of_texts_and_retrieves_by_relevance(molt: Molt) -> None:
    where = {"molt": molt, "collection": "notes"}
    texts = ["a tent for two", "warm boots"]
    store = MoltVectorStore.from_texts(texts, MoltEmbeddings(molt), **where)
    assert len({one.id for one in store.similarity_search("boots", k=5)}) == 2
    retriever = store.as_retriever(
        search_type="similarity_score_threshold", search_kwargs={"score_threshold": 0.0, "k": 1}
    )
    assert retriever.invoke("warm boots")[0].page_content == "warm boots"
