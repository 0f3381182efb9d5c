"""Molt for LlamaIndex: an embedding and a retriever; `molt-client[llama-index]`.

The retriever searches by meaning and words at once, as Molt does, unless `options` say otherwise.
"""

import asyncio
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from molt_client.client import Molt
from molt_client.shapes import Document, Hit


class MoltEmbedding(BaseEmbedding):
    """Embeddings by one of Molt's models: a checkpoint, a collection's, or an alias."""

    _molt: Molt = PrivateAttr()

    def __init__(self, molt: Molt, *, model: str = "default", **options: Any) -> None:
        super().__init__(model_name=model, **options)
        self._molt = molt

    @classmethod
    def class_name(cls) -> str:
        """What LlamaIndex keeps it as."""
        return "MoltEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embed([query], "query")[0]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embed([text], "document")[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._embed(texts, "document")

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    def _embed(self, texts: list[str], input_type: str) -> list[list[float]]:
        return self._molt.embed(texts, model=self.model_name, input_type=input_type)


class MoltRetriever(BaseRetriever):
    """What a collection has on a query; `options` is whatever else a search takes."""

    def __init__(
        self, molt: Molt, collection: str = "default", *, k: int = 4, **options: Any
    ) -> None:
        super().__init__()
        self._molt = molt
        self._collection = collection
        self._options = {"k": k, **options}

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        asked = query_bundle.query_str
        found = self._molt.search(asked, collection=self._collection, **self._options)
        return [_node_of(hit) for hit in found["hits"]]


def document_of(node: TextNode) -> Document:
    """A node as Molt keeps it."""
    return {"id": node.node_id, "text": node.text, "metadata": node.metadata}


def _node_of(hit: Hit) -> NodeWithScore:
    metadata = {"title": hit.get("title", ""), **hit.get("metadata", {})}
    node = TextNode(id_=hit["id"], text=hit.get("text", ""), metadata=metadata)
    return NodeWithScore(node=node, score=hit["score"])
