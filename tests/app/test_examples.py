"""What the page of the API fills in is answered when it is sent."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.testclient import TestClient

from molt.app.examples import EXAMPLE_BODIES

FIRST = ("create_collection", "put_documents")


@dataclass(frozen=True)
class Try:
    """A request as the page sends it."""

    name: str
    method: str
    url: str
    query: dict[str, str]
    content: dict[str, Any] = field(default_factory=dict)


def tries(document: dict[str, Any]) -> Iterator[Try]:
    """Every operation whose required parameters and body all have examples."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            every = operation.get("parameters", ())
            filled = [one for one in every if "example" in one]
            if any(one["required"] and one not in filled for one in every):
                continue
            values = {one["name"]: one["example"] for one in filled}
            query = {one["name"]: one["example"] for one in filled if one["in"] == "query"}
            attempt = Try(operation["operationId"], method, path.format(**values), query)
            if "requestBody" not in operation:
                yield attempt
            for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
                if "example" in content:
                    body = content["example"]
                    sent = {"content": body} if isinstance(body, str) else {"json": body}
                    yield Try(
                        *(attempt.name, method, attempt.url, query),
                        sent | {"headers": {"Content-Type": media_type}},
                    )


def rank(attempt: Try) -> tuple[bool, bool, str]:
    """Collections are made before they are filled, and both before they are read or deleted."""
    return (
        attempt.method == "delete",
        attempt.name not in FIRST,
        "z" if attempt.name == "delete_collection" else attempt.name,
    )


def test_every_example_is_answered_as_the_page_sends_it(client: TestClient) -> None:
    assert client.post("/collections", json={"name": "default"}).status_code == 201
    found = sorted(tries(client.get("/openapi.json").json()), key=rank)
    for attempt in found:
        answer = client.request(
            attempt.method, attempt.url, params=attempt.query, **attempt.content
        )
        assert answer.status_code < 300, (attempt, answer.text)
    names = {attempt.name for attempt in found}
    assert names >= EXAMPLE_BODIES.keys()
    assert names >= {"search_by_url", "get_document", "delete_collection", "docs", "metrics"}


def test_an_example_finds_what_another_one_wrote(client: TestClient) -> None:
    client.post("/collections", json={"name": "default"})
    written = EXAMPLE_BODIES["put_documents"]["application/json"]
    assert client.post("/collections/default/documents", json=written).json()["indexed"] is True
    hits = client.post("/search", json=EXAMPLE_BODIES["search"]["application/json"]).json()["hits"]
    assert hits[0]["id"] == "boots-1"
