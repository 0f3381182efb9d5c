"""A corpus inside a running Molt: brought in over HTTP once, kept for later runs.

Owns the bodies that are sent and the wait until indexing is over. Reads no files of a home.
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import httpx

from benchmarks.server import Server

SETTLE_SECONDS = 5.0
SETTLE_TIMEOUT = 7200.0
IDLE_SHARE = 0.1


class CollectionError(Exception):
    """A collection holds something else than the benchmark needs."""


def ensure(server: Server, name: str, documents: Sequence[dict[str, Any]]) -> None:
    """Make collection `name` hold `documents` (as `POST .../documents` takes them), settled."""
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=600) as client:
        held = client.get(f"/collections/{name}")
        if held.status_code == 404:
            client.post("/collections", json={"name": name}).raise_for_status()
            held = client.get(f"/collections/{name}")
        if held.json()["documents"] == 0:
            _send(client, name, documents)
        settle(server, name)
        count = client.get(f"/collections/{name}").json()["documents"]
    if count != len(documents):
        raise CollectionError(
            f"collection {name} holds {count} documents, not {len(documents)}: remove the home"
        )


def settle(server: Server, name: str) -> str:
    """Wait until all is indexed and the server has nothing left to merge; returns its generation.

    Nothing left means: the server used under 10 % of a core for five seconds.
    """
    deadline = time.monotonic() + SETTLE_TIMEOUT
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
        while time.monotonic() < deadline:
            before = server.cpu_seconds()
            time.sleep(SETTLE_SECONDS)
            share = (server.cpu_seconds() - before) / SETTLE_SECONDS
            state = client.get(f"/collections/{name}").json()
            if state["indexed_revision"] == state["revision"] and share < IDLE_SHARE:
                return str(state["generation"])
    raise CollectionError(f"collection {name} was not indexed within {SETTLE_TIMEOUT:g} s")


def as_documents(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """BEIR rows as the documents route takes them."""
    for row in rows:
        yield {
            "id": row["_id"],
            "title": row.get("title") or "",
            "text": row["text"],
            "metadata": row.get("metadata") or {},
        }


def search_bodies(
    name: str, queries: Iterable[str], *, mode: str | None = "dense", **more: Any
) -> list[bytes]:
    """Bodies of `POST /search` for the ten best documents of each query; None names no mode."""
    asked = {"collection": name, "k": 10, **({"mode": mode} if mode else {}), **more}
    return [body({"query": query, **asked}) for query in queries]


def embedding_bodies(texts: Iterable[str], **more: Any) -> list[bytes]:
    """Bodies of `POST /v1/embeddings` with one text each."""
    return [body({"input": text, "model": "default", **more}) for text in texts]


def body(value: dict[str, Any]) -> bytes:
    """One JSON body without line breaks."""
    return json.dumps(value, ensure_ascii=False).encode()


def _send(client: httpx.Client, name: str, documents: Sequence[dict[str, Any]]) -> None:
    answer = client.post(
        f"/collections/{name}/documents",
        content=(body(document) + b"\n" for document in documents),
        headers={"Content-Type": "application/x-ndjson"},
    )
    answer.raise_for_status()
