"""Molt for LangChain: embeddings, a retriever, and a vector store; `molt-client[langchain]`.

The retriever and the store search by meaning and words at once, as Molt does, unless `mode` says
otherwise; texts are encoded in the server.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any, Self

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore
from pydantic import Field

from molt_client.client import Molt
from molt_client.errors import MoltError
from molt_client.shapes import Document as MoltDocument
from molt_client.shapes import Hit

_EMBEDDED_AT_ONCE = 256


class MoltEmbeddings(Embeddings):
    """Embeddings by one of Molt's models: a checkpoint, a collection's, or an alias."""

    def __init__(self, molt: Molt, *, model: str = "default") -> None:
        self._molt = molt
        self._model = model

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector of length 1 for each text."""
        starts = range(0, len(texts), _EMBEDDED_AT_ONCE)
        batches = [texts[at : at + _EMBEDDED_AT_ONCE] for at in starts]
        return [vector for batch in batches for vector in self._embed(batch, "document")]

    def embed_query(self, text: str) -> list[float]:
        """The vector of a query."""
        return self._embed([text], "query")[0]

    def _embed(self, texts: Sequence[str], input_type: str) -> list[list[float]]:
        return self._molt.embed(texts, model=self._model, input_type=input_type)


class MoltRetriever(BaseRetriever):
    """What a collection has on a query; `options` is whatever else a search takes."""

    molt: Any
    collection: str = "default"
    k: int = 4
    options: dict[str, Any] = Field(default_factory=dict)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002  it passes it
        **more: Any,
    ) -> list[Document]:
        asked = {"k": self.k, **self.options, **more}
        found = self.molt.search(query, collection=self.collection, **asked)
        return [document_of(hit) for hit in found["hits"]]


class MoltVectorStore(VectorStore):
    """A collection as a vector store; it is made when something is first added to it."""

    def __init__(self, molt: Molt, collection: str = "default") -> None:
        self._molt = molt
        self._collection = collection

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,  # noqa: ARG003  the server's own
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **where: Any,
    ) -> Self:
        """A store that holds the texts; `molt` and `collection` say where.

        `embedding` counts for nothing: the server encodes, with the collection's own model.
        """
        store = cls(**where)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **_more: Any,
    ) -> list[str]:
        """Add texts, or replace those with the same ids; searches find them when it returns."""
        listed = [*texts]
        named = ids or [str(uuid.uuid4()) for _ in listed]
        described = metadatas or [{} for _ in listed]
        written: list[MoltDocument] = [
            {"id": id_, "text": text, "metadata": metadata}
            for id_, text, metadata in zip(named, listed, described, strict=True)
        ]
        self._make()
        self._molt.write_documents(self._collection, written)
        return named

    def delete(self, ids: list[str] | None = None, **_more: Any) -> bool | None:
        """Delete documents by their ids. Raises `ValueError` without them: nothing is emptied."""
        if ids is None:
            raise ValueError("name the ids to delete; Molt.delete_collection deletes all of them")
        self._molt.delete_documents(self._collection, ids)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Those of the documents that there are."""
        return [
            Document(id=one["id"], page_content=one["text"], metadata=one.get("metadata", {}))
            for one in self._molt.read_documents(self._collection, ids)
        ]

    def similarity_search(self, query: str, k: int = 4, **options: Any) -> list[Document]:
        """The best documents; `options` is whatever else a search takes."""
        return [one for one, _ in self.similarity_search_with_score(query, k, **options)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, **options: Any
    ) -> list[tuple[Document, float]]:
        """The best documents with their scores, from 0 to 1 in the mode `hybrid`."""
        found = self._molt.search(query, collection=self._collection, k=k, **options)
        return [(document_of(hit), hit["score"]) for hit in found["hits"]]

    def _select_relevance_score_fn(self) -> Any:
        return lambda score: score  # a fused score is from 0 to 1 already

    def _make(self) -> None:
        try:
            self._molt.create_collection(self._collection)
        except MoltError as error:
            if error.code != "collection_exists":
                raise


def document_of(hit: Hit) -> Document:
    """A hit as LangChain's document, its score, title and passage among the metadata."""
    told = {"score": hit["score"], "title": hit.get("title", ""), "passage": hit["passage"]}
    metadata = {**hit.get("metadata", {}), **{f"molt_{name}": of for name, of in told.items()}}
    return Document(id=hit["id"], page_content=hit.get("text", ""), metadata=metadata)
