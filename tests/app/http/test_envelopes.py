import json

import pytest

from molt.app.http.envelopes import family_of, write_failure
from molt.app.http.failures import HttpFailure, Violation

FAILURE = HttpFailure(
    422,
    "invalid_request",
    "k: too many",
    headers={"Retry-After": "3"},
    violations=(
        Violation("too many", "body", ("documents", 3, "a/b~c")),
        Violation("not a number", "query", ("k",)),
    ),
    extensions={"line": 7},
)


@pytest.mark.parametrize(
    ("path", "family"),
    [
        ("/v1/embeddings", "openai"),
        ("/v1", "openai"),
        ("/v1x", "problem"),
        ("/embeddings", "openai"),
        ("/models/a/b", "openai"),
        ("/openai/deployments/x/embeddings", "openai"),
        ("/", "tei"),
        ("/embed_all", "tei"),
        ("/tokenize", "tei"),
        ("/embed", "tei"),
        ("/rerank", "tei"),
        ("/v1/rerank", "openai"),
        ("/v2/rerank", "openai"),
        ("/info", "tei"),
        ("/embed/x", "problem"),
        ("/search", "problem"),
    ],
)
def test_a_path_decides_whose_clients_are_told(path: str, family: str) -> None:
    assert family_of(path) == family


def test_a_problem_points_at_what_is_wrong() -> None:
    response = write_failure(FAILURE, path="/search", request_id="r1")
    assert response.media_type == "application/problem+json"
    assert (response.status_code, response.headers["retry-after"]) == (422, "3")
    assert json.loads(response.body) == {
        "type": "urn:molt:problem:invalid_request",
        "title": "Invalid request",
        "status": 422,
        "detail": "k: too many",
        "instance": "urn:molt:request:r1",
        "errors": [
            {"detail": "too many", "pointer": "#/documents/3/a~1b~0c"},
            {"detail": "not a number", "parameter": "k"},
        ],
        "line": 7,
    }


def test_openai_is_told_the_parameter() -> None:
    response = write_failure(FAILURE, path="/v1/embeddings", request_id="r1")
    assert json.loads(response.body) == {
        "error": {
            "message": "k: too many",
            "type": "invalid_request_error",
            "param": "documents",
            "code": "invalid_request",
        }
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [(422, "Validation"), (429, "Overloaded"), (503, "Unhealthy"), (507, "Backend")],
)
def test_tei_is_told_a_kind(status: int, kind: str) -> None:
    response = write_failure(HttpFailure(status, "x", "why"), path="/embed", request_id="r1")
    assert json.loads(response.body) == {"error": "why", "error_type": kind}
