"""The client."""

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self, TypeVar

import httpx

from molt_client import calls
from molt_client.calls import READ_AT_ONCE, Call
from molt_client.following import EventReader
from molt_client.parts import OnProgress, Upload, parts
from molt_client.retrying import Attempts, Retries, cut
from molt_client.shapes import (
    BatchResult,
    Deleted,
    Document,
    JobEvent,
    Promotion,
    RankedDocument,
    SearchAnswer,
    StoredDocument,
    Suggestion,
    Written,
)

Answer = TypeVar("Answer")


def headers_of(api_key: str | None) -> dict[str, str]:
    """What every request brings."""
    return {"authorization": f"Bearer {api_key}"} if api_key else {}


class Molt:
    """A server at `url`; may be used by several threads.

    Every method raises `MoltError` where the server refuses, and `UnreachableError` where it does
    not answer. `timeout` is in seconds, for each request. `transport` is one of httpx's, for tests.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        api_key: str | None = None,
        timeout: float = 60.0,
        retries: Retries = Retries(),  # noqa: B008  frozen
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._retries = retries
        self._http = httpx.Client(
            base_url=url, headers=headers_of(api_key), timeout=timeout, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def search(
        self, query: str | None = None, *, collection: str = "default", **more: Any
    ) -> SearchAnswer:
        """Search; `more` is whatever else `POST /search` takes: `k`, `mode`, `filter`, `like` …"""
        return self._send(calls.search(query, collection, more))

    def search_batch(self, searches: Iterable[Mapping[str, Any]]) -> list[BatchResult]:
        """Many bodies of searches at once; each has an answer or a problem, in the same order."""
        return self._send(calls.search_batch(searches))

    def suggest(self, prefix: str, *, collection: str = "default", k: int = 10) -> list[Suggestion]:
        """How a query that is being typed may go on."""
        return self._send(calls.suggest(prefix, collection, k))

    def create_collection(self, name: str, **options: Any) -> dict[str, Any]:
        """Make a collection; `options` are `expiry_field`, `analysis` and `passages`."""
        return self._send(calls.create_collection(name, options))

    def collections(self) -> list[dict[str, Any]]:
        """Every collection, by name."""
        return self._send(calls.collections())

    def collection(self, name: str) -> dict[str, Any]:
        """One collection, with the fields of its documents."""
        return self._send(calls.collection(name))

    def delete_collection(self, name: str) -> None:
        """Delete a collection with all that is in it."""
        self._send(calls.delete_collection(name))

    def write_documents(
        self,
        collection: str,
        documents: Iterable[Document],
        *,
        wait: bool = True,
        on_progress: OnProgress | None = None,
    ) -> Written:
        """Add or replace documents, however many; sent in parts, of which each is kept for itself.

        With `wait` the last part is answered when searches find it. After an error the parts before
        are kept; writing all of it again is harmless.
        """
        upload = Upload(on_progress)
        for part in parts(documents):
            call = calls.write_lines(collection, part.lines, wait=wait and part.last)
            upload.note(part, self._send(call))
        return upload.written

    def document(self, collection: str, id_: str) -> StoredDocument:
        """Read a document."""
        return self._send(calls.document(collection, id_))

    def read_documents(self, collection: str, ids: Sequence[str]) -> list[StoredDocument]:
        """Those of the documents that there are, in the order of the ids."""
        found: list[StoredDocument] = []
        wanted = [*ids]
        while wanted:
            read = self._send(calls.read_documents(collection, wanted[:READ_AT_ONCE]))
            found += read["documents"]
            wanted = read["left_out"] + wanted[READ_AT_ONCE:]
        return found

    def documents(self, collection: str, *, page: int = 100) -> Iterator[StoredDocument]:
        """Every document, in the order of ids, read `page` at a time."""
        after: str | None = None
        while True:
            read = self._send(calls.documents(collection, after, page))
            yield from read["documents"]
            after = read["next"]
            if after is None:
                return

    def patch_documents(self, collection: str, patches: Sequence[Mapping[str, Any]]) -> Written:
        """Change parts of documents; metadata is merged (RFC 7396)."""
        return self._send(calls.patch_documents(collection, patches))

    def delete_documents(
        self,
        collection: str,
        ids: Sequence[str] | None = None,
        *,
        matching: Mapping[str, Any] | None = None,
    ) -> Deleted:
        """Delete documents by their ids, or those that a filter keeps."""
        return self._send(calls.delete_documents(collection, ids, matching))

    def write_judgments(self, collection: str, **lists: Any) -> dict[str, Any]:
        """Write `queries`, `judgments` and `pairs`; `split` is that of all which name none."""
        return self._send(calls.write_judgments(collection, lists))

    def send_events(
        self, events: Sequence[Mapping[str, Any]], *, collection: str = "default"
    ) -> int:
        """Tell what users did, in the UBI schema; how many were kept."""
        return self._send(calls.send_events(collection, events))

    def embed(
        self,
        texts: Sequence[str],
        *,
        model: str = "default",
        input_type: str = "document",
        dimensions: int | None = None,
    ) -> list[list[float]]:
        """A vector of length 1 for each text; of queries with `input_type` `query`."""
        return self._send(calls.embed(texts, model, input_type, dimensions))

    def rerank(
        self, query: str, texts: Sequence[str], *, model: str = "default", top_n: int | None = None
    ) -> list[RankedDocument]:
        """The places of texts, the most relevant first."""
        return self._send(calls.rerank(query, texts, model, top_n))

    def retrain(
        self,
        collection: str,
        *,
        promote: Promotion = "gated",
        reason: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Begin a retrain; its job. `force` needs a reason."""
        key = uuid.uuid4().hex
        return self._send(calls.retrain(collection, promote, reason, config, key))

    def job(self, id_: str) -> dict[str, Any]:
        """A job and its state."""
        return self._send(calls.job(id_))

    def cancel_job(self, id_: str) -> dict[str, Any]:
        """Ask a job to stop; the job as it then stands."""
        return self._send(calls.cancel_job(id_))

    def follow(self, job_id: str) -> Iterator[JobEvent]:
        """What a job tells until it ends; the last event is `end`, with the job in its data.

        Goes on where a connection broke.
        """
        call, reader = calls.events(job_id), EventReader()
        attempts = Attempts(self._retries, repeatable=call.repeatable)
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                with self._opened(call, reader.headers()) as response:
                    if not response.is_success:
                        response.read()
                        outcome = response
                    else:
                        for piece in response.iter_text():
                            for line in reader.lines(piece):
                                yield from reader.read(line)
                                attempts.forget()
                        outcome = cut(response)
            except httpx.TransportError as error:
                outcome = error
            if reader.ended:
                return
            reader.forget()
            time.sleep(attempts.after(outcome))

    def rollback(self, collection: str, *, reason: str | None = None) -> dict[str, Any]:
        """Serve a collection from what it was served from before; what serves now."""
        return self._send(calls.rollback(collection, reason))

    def _send(self, call: Call[Answer]) -> Answer:
        attempts = Attempts(self._retries, repeatable=call.repeatable)
        while True:
            try:
                response = self._http.send(call.request_of(self._http))
            except httpx.TransportError as error:
                pause = attempts.after(error)
            else:
                if response.is_success:
                    return call.read(response)
                pause = attempts.after(response)
            time.sleep(pause)

    @contextmanager
    def _opened(self, call: Call[Answer], more: Mapping[str, str]) -> Iterator[httpx.Response]:
        request = call.request_of(self._http)
        request.headers.update(more)
        response = self._http.send(request, stream=True)
        try:
            yield response
        finally:
            response.close()
