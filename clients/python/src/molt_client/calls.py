"""The requests behind the methods of both clients, and how their answers are read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from molt_client.shapes import (
    BatchResult,
    Deleted,
    Promotion,
    RankedDocument,
    SearchAnswer,
    StoredDocument,
    Suggestion,
    Written,
)

Answer = TypeVar("Answer")
READ_AT_ONCE = 500


def _json(response: httpx.Response) -> Any:
    return response.json()


def _nothing(_response: httpx.Response) -> None:
    return None


def _in(key: str) -> Callable[[httpx.Response], Any]:
    return lambda response: response.json()[key]


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One request, and how its answer is read; `repeatable` where a second one changes nothing."""

    method: str
    path: str
    body: Any = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    read: Callable[[httpx.Response], Answer] = _json
    repeatable: bool = True

    def request_of(self, client: "httpx.Client | httpx.AsyncClient") -> httpx.Request:
        """The request as one of httpx's clients sends it."""
        given = {name: value for name, value in self.parameters.items() if value is not None}
        return client.build_request(
            self.method,
            self.path,
            params=given,
            json=self.body if self.content is None else None,
            content=self.content,
            headers=dict(self.headers),
        )


def search(query: str | None, collection: str, more: Mapping[str, Any]) -> Call[SearchAnswer]:
    """Search once."""
    return Call("POST", "/search", {"query": query, "collection": collection, **more})


def search_batch(searches: Iterable[Mapping[str, Any]]) -> Call[list[BatchResult]]:
    """Search many times in one request."""
    return Call("POST", "/search/batch", {"searches": [*searches]}, read=_in("results"))


def suggest(prefix: str, collection: str, k: int) -> Call[list[Suggestion]]:
    """How a query may go on."""
    parameters = {"q": prefix, "collection": collection, "k": k}
    return Call("GET", "/suggest", parameters=parameters, read=_in("suggestions"))


def _at(collection: str, *rest: str) -> str:
    return "/".join(["/collections", _segment(collection), *rest])


def _segment(name: str) -> str:
    """A name as one segment of a path; of dots alone it would be taken for a way up."""
    return quote(name, safe="") if name.strip(".") else name.replace(".", "%2E")


def create_collection(name: str, options: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Make a collection."""
    return Call("POST", "/collections", {"name": name, **options}, repeatable=False)


def collections() -> Call[list[dict[str, Any]]]:
    """Every collection."""
    return Call("GET", "/collections", read=_in("collections"))


def collection(name: str) -> Call[dict[str, Any]]:
    """One collection, with its fields."""
    return Call("GET", _at(name))


def delete_collection(name: str) -> Call[None]:
    """Delete a collection with all that is in it."""
    return Call("DELETE", _at(name), read=_nothing, repeatable=False)


def write_lines(collection: str, lines: bytes, *, wait: bool) -> Call[Written]:
    """Write documents, one a line."""
    return Call(
        "POST",
        _at(collection, "documents"),
        content=lines,
        parameters={"wait": "true" if wait else "false"},
        headers={"content-type": "application/x-ndjson"},
    )


def document(collection: str, id_: str) -> Call[StoredDocument]:
    """Read a document."""
    return Call("GET", _at(collection, "documents", _segment(id_)))


def read_documents(collection: str, ids: Sequence[str]) -> Call[dict[str, Any]]:
    """Read documents by their ids, in their order."""
    return Call("POST", _at(collection, "documents", "get"), {"ids": [*ids]})


def documents(collection: str, after: str | None, limit: int) -> Call[dict[str, Any]]:
    """Read a page of documents, in the order of ids."""
    parameters = {"after": after, "limit": limit}
    return Call("GET", _at(collection, "documents"), parameters=parameters)


def patch_documents(collection: str, patches: Sequence[Mapping[str, Any]]) -> Call[Written]:
    """Change parts of documents."""
    return Call("PATCH", _at(collection, "documents"), {"documents": [*patches]})


def delete_documents(
    collection: str, ids: Sequence[str] | None, matching: Mapping[str, Any] | None
) -> Call[Deleted]:
    """Delete documents by id, or those that a filter keeps."""
    if (ids is None) == (matching is None):
        raise ValueError("give either the ids of documents to delete or a filter that keeps them")
    body = {"filter": matching} if ids is None else {"ids": [*ids]}
    return Call("POST", _at(collection, "documents", "delete"), body)


def write_judgments(collection: str, lists: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Write queries, judgments and pairs."""
    return Call("POST", _at(collection, "judgments"), dict(lists))


def send_events(collection: str, events: Sequence[Mapping[str, Any]]) -> Call[int]:
    """Tell what users did."""
    parameters = {"collection": collection}
    read = _in("accepted")
    return Call("POST", "/events", [*events], parameters, read=read, repeatable=False)


def embed(
    texts: Sequence[str], model: str, input_type: str, dimensions: int | None
) -> Call[list[list[float]]]:
    """A vector for each text."""
    body = {"input": [*texts], "model": model, "input_type": input_type, "dimensions": dimensions}
    return Call("POST", "/v1/embeddings", body, read=_vectors)


def _vectors(response: httpx.Response) -> list[list[float]]:
    return [one["embedding"] for one in response.json()["data"]]


def rerank(
    query: str, texts: Sequence[str], model: str, top_n: int | None
) -> Call[list[RankedDocument]]:
    """The most relevant of the texts first."""
    body = {"query": query, "documents": [*texts], "model": model, "top_n": top_n}
    return Call("POST", "/v1/rerank", body, read=_in("results"))


def retrain(
    collection: str,
    promote: Promotion,
    reason: str | None,
    config: Mapping[str, Any] | None,
    key: str,
) -> Call[dict[str, Any]]:
    """Begin a retrain; with one `key` it begins once, however often it is asked for."""
    body = {"collection": collection, "promote": promote, "reason": reason, "config": config}
    return Call("POST", "/admin/retrain", body, headers={"idempotency-key": key})


def job(id_: str) -> Call[dict[str, Any]]:
    """A job and its state."""
    return Call("GET", f"/admin/jobs/{_segment(id_)}")


def cancel_job(id_: str) -> Call[dict[str, Any]]:
    """Ask a job to stop."""
    return Call("DELETE", f"/admin/jobs/{_segment(id_)}")


def events(job_id: str) -> Call[None]:
    """What a job tells, as a stream."""
    return Call("GET", f"/admin/jobs/{_segment(job_id)}/events", read=_nothing)


def rollback(collection: str, reason: str | None) -> Call[dict[str, Any]]:
    """Serve a collection from what it was served from before."""
    body = {"collection": collection, "reason": reason}
    return Call("POST", "/admin/rollback", body, repeatable=False)
