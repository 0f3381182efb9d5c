"""Generated requests: what the OpenAPI document promises, a real server keeps.

Every check of schemathesis runs on every operation, with requests that the document allows, with
requests that it forbids, and with sequences of requests.
"""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from molt.index.catalog.access.keys import Role
from molt.index.catalog.catalog import open_catalog
from tests.app.serving import Process, started
from tests.walks import shortened

pytestmark = pytest.mark.promise("P5", "requests made at random from the description of the API")

EXAMPLES = 1, 20
"""Of each operation and phase: in the suite, and in a walk."""
EXAMPLES_OF_BODIES = 3
"""At least so many of what has a body, whose first example is the simplest alone."""
SMALL = {  # limits in place of which huge requests would be generated
    "MOLT_LIMITS__MAX_QUERY_CHARS": "100",
    "MOLT_LIMITS__MAX_TEXT_CHARS": "200",
    "MOLT_LIMITS__MAX_INPUTS": "8",
    "MOLT_LIMITS__MAX_DOCUMENTS": "8",
}
ACCEPTED = ["2xx", "401", "403", "404", "409"]
REFUSED = [
    *("400", "401", "403", "404", "405", "406", "409", "415", "422", "428", "429", "431", "5xx")
]
"""What is not allowed may also be too long to be read (431)."""
# What the document cannot say: that `offset` and `k` add up to a limit, which fields a filter may
# name and how many conditions it has, that two ids differ, that a text or a title is not blank,
# how many dimensions a model has, which fields of documents are ranked, what makes an archive a
# checkpoint, that force needs a reason, that an idempotency key was used before, which cursor is an
# answer's, which name looks like an id, that something says which judgments or pairs go, how many
# bytes a word has and which fields count, that two words differ.
INEXPRESSIBLE = {
    "POST /search": 422,
    "GET /search": 422,
    "GET /suggest": 422,
    "PUT /collections/{collection}/curations": 422,
    "DELETE /collections/{collection}/curations": 422,
    "POST /collections": 422,
    "PATCH /collections/{collection}": 422,
    "PUT /collections/{collection}/synonyms": 422,
    "POST /collections/{collection}/search": 422,
    "POST /search/batch": 422,
    "POST /collections/{collection}/documents": 422,
    "PATCH /collections/{collection}/documents": 422,
    "POST /collections/{collection}/documents/get": 422,
    "POST /collections/{collection}/documents/delete": 422,
    "PUT /collections/{collection}/documents/{id}": 422,
    "PATCH /collections/{collection}/documents/{id}": 422,
    "POST /collections/{collection}/judgments": 422,
    "GET /collections/{collection}/judgments": 422,
    "DELETE /collections/{collection}/judgments": 422,
    "DELETE /collections/{collection}/pairs": 422,
    "POST /events": 422,
    "GET /admin/audit": 422,
    "POST /admin/releases/name": 422,
    "POST /admin/checkpoints": 422,
    "POST /admin/retrain": 422,
    "POST /admin/reload": 422,
    "POST /admin/reindex": 422,
    "POST /admin/merge": 422,
    "POST /admin/evaluate": 422,
    "POST /admin/tune": 422,
    "POST /admin/tune-search": 422,
    "PUT /aliases/{name}": 422,
    "DELETE /aliases/{name}": 422,
    "POST /v1/rerank": 422,
    "POST /v1/embeddings": 400,
    "POST /openai/deployments/{deployment}/embeddings": 400,
    "POST /embed": 400,
}
DIFFER = {"POST /v1/embeddings", "POST /openai/deployments/{deployment}/embeddings"}
"""Where two keys may say the same, and are refused where they do not."""


@schemathesis.serializer("application/x-ndjson")
def write_lines(_context: Any, value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


@schemathesis.serializer("application/x-tar", "application/gzip", "application/x-gzip")
def write_archive(_context: Any, value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes) else json.dumps(value).encode()


def prepare(home: Path) -> str:
    """A home with a collection and an administrator, whose secret is returned."""
    catalog = open_catalog(f"sqlite:///{home / 'catalog.sqlite3'}")
    catalog.collections.create("default")
    secret = catalog.keys.create("admin", Role.ADMIN)
    catalog.close()
    return secret


def with_a_body(server: Process, secret: str) -> list[str]:
    """The operations that take one, by their names."""
    asked = urllib.request.Request(f"{server.url}/openapi.json", headers={"api-key": secret})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        paths = json.load(answer)["paths"]
    return [
        f"{method.upper()} {path}"
        for path, ways in paths.items()
        for method, operation in ways.items()
        if "requestBody" in operation
    ]


def configure(secret: str, examples: int, *, bodies: list[str]) -> SchemathesisConfig:
    more = {"max-examples": max(examples, EXAMPLES_OF_BODIES)}
    operations: list[dict[str, Any]] = [{"include-name": bodies, "generation": more}]
    operations += [
        {
            "include-name": name,
            "checks": {
                "positive_data_acceptance": {
                    "expected-statuses": [*ACCEPTED, str(status), *(["422"] * (name in DIFFER))]
                }
            },
        }
        for name, status in INEXPRESSIBLE.items()
    ]
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "continue-on-failure": True,
            "auth": {"openapi": {"key": {"api_key": secret}}},
            "generation": {"max-examples": examples, "deterministic": True},
            "checks": {"negative_data_rejection": {"expected-statuses": REFUSED}},
            "phases": {"coverage": {"unexpected-methods": ["TRACE"]}},
            "operations": operations,
        }
    )


@pytest.fixture(scope="module", params=shortened(EXAMPLES))
def schema(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Any]:
    home = tmp_path_factory.mktemp("home")
    secret = prepare(home)
    with started(home, **SMALL) as server:
        schema = schemathesis.openapi.from_url(
            f"{server.url}/openapi.json",
            config=configure(secret, request.param, bodies=with_a_body(server, secret)),
            headers={"api-key": secret},
        )
        yield schema.exclude(operation_id="follow_job")  # it lasts until the job ends


def failures_of(scenario: events.ScenarioFinished) -> Iterator[str]:
    for checks in scenario.recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info
                yield f"{scenario.recorder.label}: {failure.failure}\n{failure.code_sample[:1000]}"


def test_a_server_keeps_what_its_document_promises(schema: Any) -> None:
    failures: list[str] = []
    requests = 0
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            failures += failures_of(event)
            requests += len(event.recorder.interactions)
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
    assert requests > 500
    assert not failures, "\n\n".join(dict.fromkeys(failures))
