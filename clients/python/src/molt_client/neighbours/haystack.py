"""Molt for Haystack: a document store and a retriever over it; `molt-client[haystack]`.

Texts are encoded in the server, so pipelines need no embedders. A document's `content` is Molt's
text, its `meta` Molt's metadata. A pipeline that was saved is read with
`allowed_modules=["molt_client.neighbours.haystack"]`.
"""

from typing import Any, Self

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.utils import Secret, deserialize_secrets_inplace

from molt_client.client import Molt
from molt_client.errors import MoltError
from molt_client.shapes import Document as MoltDocument

_FILTERED_AT_ONCE = 100
_COMBINED = {"AND": "all", "OR": "any", "NOT": "all"}
_COMPARED = {"==": "eq", "!=": "ne", ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "in": "in"}


class MoltDocumentStore:
    """A collection of a server at `url`, made when something is first written.

    `api_key` is a secret of the environment (`MOLT_API_KEY` by default), so that a pipeline can be
    saved without it.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        collection: str = "default",
        api_key: Secret = Secret.from_env_var("MOLT_API_KEY", strict=False),  # noqa: B008  frozen
    ) -> None:
        self._url = url
        self._api_key = api_key
        self.collection = collection
        self.molt = Molt(url, api_key=api_key.resolve_value())

    def to_dict(self) -> dict[str, Any]:
        """The store in a saved pipeline."""
        where = {"url": self._url, "collection": self.collection}
        return default_to_dict(self, **where, api_key=self._api_key.to_dict())

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The store of a saved pipeline."""
        deserialize_secrets_inplace(data["init_parameters"], keys=["api_key"])
        made: Self = default_from_dict(cls, data)
        return made

    def count_documents(self) -> int:
        """How many documents there are."""
        try:
            count: int = self.molt.collection(self.collection)["documents"]
        except MoltError as error:
            if error.code != "collection_not_found":
                raise
            return 0
        return count

    def filter_documents(self, filters: dict[str, Any] | None = None) -> list[Document]:
        """The documents that a filter keeps, or all of them."""
        if filters is None:
            return [_haystack_of(one) for one in self.molt.documents(self.collection)]
        return self._matching(filters)

    def write_documents(
        self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """Write documents; how many were written. `NONE` replaces those with the same ids."""
        self._make()
        written = documents
        if policy in {DuplicatePolicy.SKIP, DuplicatePolicy.FAIL}:
            ids = [document.id for document in documents]
            there = {one["id"] for one in self.molt.read_documents(self.collection, ids)}
            if there and policy is DuplicatePolicy.FAIL:
                raise DuplicateDocumentError(f"documents with these ids exist: {sorted(there)}")
            written = [document for document in documents if document.id not in there]
        self.molt.write_documents(self.collection, map(_molt_of, written))
        return len(written)

    def delete_documents(self, document_ids: list[str]) -> None:
        """Delete documents; ids of which there is none are no error."""
        if document_ids:
            self.molt.delete_documents(self.collection, document_ids)

    def _matching(self, filters: dict[str, Any]) -> list[Document]:
        found: list[Document] = []
        cursor: str | None = None
        while True:
            answer = self.molt.search(
                "*",
                collection=self.collection,
                filter=filter_of(filters),
                mode="dense",
                k=_FILTERED_AT_ONCE,
                cursor=cursor,
            )
            found += [_haystack_of(hit) for hit in answer["hits"]]
            cursor = answer["cursor"]
            if cursor is None:
                return found

    def _make(self) -> None:
        try:
            self.molt.create_collection(self.collection)
        except MoltError as error:
            if error.code != "collection_exists":
                raise


@component
class MoltRetriever:
    """What a store has on a query; `options` is whatever else a search takes."""

    def __init__(
        self,
        document_store: MoltDocumentStore,
        top_k: int = 10,
        filters: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.document_store = document_store
        self.top_k = top_k
        self.filters = filters
        self.options = options or {}

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """The best documents, the best one first, with their scores."""
        store, chosen = self.document_store, filters or self.filters
        answer = store.molt.search(
            query,
            collection=store.collection,
            k=top_k or self.top_k,
            filter=filter_of(chosen) if chosen else None,
            **self.options,
        )
        return {"documents": [_haystack_of(hit, hit["score"]) for hit in answer["hits"]]}


def filter_of(filters: dict[str, Any]) -> dict[str, Any]:
    """Haystack's filter in Molt's words. Raises `ValueError` where it is none."""
    try:
        operator = filters["operator"]
        if operator in _COMBINED:
            parts = [filter_of(each) for each in filters["conditions"]]
            combined = {_COMBINED[operator]: parts}
            return {"not": combined} if operator == "NOT" else combined
        field = filters["field"].removeprefix("meta.")
        if operator == "not in":
            return {"not": {"field": field, "in": filters["value"]}}
        return {"field": field, _COMPARED[operator]: filters["value"]}
    except KeyError as error:
        raise ValueError(f"no filter of Haystack's: {error} in {filters}") from error


def _molt_of(document: Document) -> MoltDocument:
    return {"id": document.id, "text": document.content or "", "metadata": document.meta}


def _haystack_of(kept: Any, score: float | None = None) -> Document:
    meta = kept.get("metadata") or {}
    return Document(id=kept["id"], content=kept.get("text"), meta=meta, score=score)
