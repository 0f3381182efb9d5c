"""Examples: what the page of the API fills in, so that each operation can be tried by a click.

They are of the collection `default`, and of a document that the example of writing makes. What asks
for an id that only a running server knows has none.
"""

from collections.abc import Mapping
from typing import Any

_DOCUMENT = {
    "id": "boots-1",
    "title": "Trail boots",
    "text": "Warm waterproof boots for long walks in the rain.",
    "metadata": {"brand": "acme", "price": 79.9, "tags": ["boots", "outdoor"]},
}
_LINE = (
    '{"id": "boots-2", "title": "Winter boots", "text": "Warm boots for snow.", '
    '"metadata": {"brand": "acme", "price": 99.0}}\n'
)
_JOB = {"collection": "default"}

EXAMPLE_BODIES: Mapping[str, Mapping[str, Any]] = {
    "create_collection": {"application/json": {"name": "products"}},
    "change_collection": {"application/json": {"expiry_field": "valid_until"}},
    "set_curation": {"application/json": {"query": "boots", "pinned": ["boots-1"]}},
    "set_synonyms": {
        "application/json": {"synonyms": [{"equivalent": ["boots", "wellingtons"]}]},
        "text/plain": "boots, wellingtons\ntrainers => running shoes\n",
    },
    "put_documents": {
        "application/json": {"documents": [_DOCUMENT], "wait": True},
        "application/x-ndjson": _LINE,
    },
    "search_batch": {
        "application/json": {"searches": [{"query": "warm boots", "k": 3}, {"query": "boots"}]}
    },
    "search_collection": {"application/json": {"like": {"text": "warm boots"}, "k": 3}},
    "search": {"application/json": {"query": "warm waterproof boots", "k": 3, "facets": ["brand"]}},
    "put_judgments": {
        "application/json": {
            "queries": [{"id": "q1", "text": "boots for rain"}],
            "judgments": [{"query_id": "q1", "doc_id": "boots-1", "grade": 2}],
            "pairs": [
                {
                    "query": "boots for rain",
                    "doc_id": "boots-1",
                    "negative": "Sandals for the beach",
                }
            ],
        }
    },
    "put_events": {
        "application/json": {
            "action_name": "click",
            "event_attributes": {"object": {"object_id": "boots-1"}, "position": {"ordinal": 1}},
        }
    },
    "create_embeddings": {
        "application/json": {"model": "default", "input": ["warm waterproof boots"]}
    },
    "embed": {"application/json": {"inputs": "warm waterproof boots"}},
    "rerank_documents": {
        "application/json": {
            "query": "warm waterproof boots",
            "documents": ["Boots for walks in the rain.", "Sandals for the beach."],
            "top_n": 1,
        }
    },
    "rerank": {
        "application/json": {
            "query": "warm waterproof boots",
            "texts": ["Boots for walks in the rain.", "Sandals for the beach."],
        }
    },
    "retrain": {"application/json": _JOB},
    "reindex": {"application/json": _JOB},
    "merge": {"application/json": _JOB},
    "tune": {"application/json": {**_JOB, "trials": 4}},
    "tune_search": {"application/json": _JOB},
}
"""Of each operation, by its id, a body of each of its media types."""

EXAMPLE_PARAMETERS: Mapping[str, str] = {
    "collection": "default",
    "q": "warm waterproof boots",
    "asset": "start.js",
}
"""By name, what every operation means the same by."""

_OWN: Mapping[str, Mapping[str, str]] = {
    "search_by_url": {"q": "warm waterproof boots"},
    "get_document": {"id": "boots-1"},
    "delete_document": {"id": "boots-1"},
    "delete_judgments": {"query": "q1"},
    "delete_pairs": {"query": "boots for rain"},
    "delete_curation": {"query": "boots"},
}


def add_examples(operation: dict[str, Any]) -> None:
    """Put the examples of an operation where readers of its description look for them."""
    name = operation["operationId"]
    bodies, own = EXAMPLE_BODIES.get(name, {}), _OWN.get(name, {})
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        if media_type in bodies:
            content["example"] = bodies[media_type]
    for parameter in operation.get("parameters", ()):
        shared = EXAMPLE_PARAMETERS if parameter["required"] else {}
        if (example := own.get(parameter["name"], shared.get(parameter["name"]))) is not None:
            parameter["example"] = example
