"""Envelopes: how one failure is written for three families of clients.

OpenAI's clients under `/v1`, those of text-embeddings-inference (TEI) under its paths, and RFC 9457
everywhere else. Decides no status.
"""

from typing import Any, Literal

import orjson
from starlette.responses import Response

from molt.app.http.failures import HttpFailure, Violation

Family = Literal["openai", "tei", "problem"]

TEI_PATHS = frozenset(
    {"/", "/embed", "/embed_all", "/similarity", "/tokenize", "/decode", "/rerank", "/info"}
)
_OPENAI_PATHS = frozenset({"v1", "v2", "embeddings", "models", "openai"})
"""What the paths of OpenAI's, Azure's and Cohere's clients begin with."""
_TEI_TYPES = {429: "Overloaded", 503: "Unhealthy"}
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def family_of(path: str) -> Family:
    """Whose clients call a path."""
    if path.removeprefix("/").partition("/")[0] in _OPENAI_PATHS:
        return "openai"
    return "tei" if path in TEI_PATHS else "problem"


def write_failure(failure: HttpFailure, *, path: str, request_id: str) -> Response:
    """The response that tells a client of `path` about a failure."""
    family = family_of(path)
    if family == "openai":
        body: dict[str, Any] = _openai(failure)
    elif family == "tei":
        body = _tei(failure)
    else:
        body = problem_of(failure, request_id)
    media_type = "application/problem+json" if family == "problem" else "application/json"
    return Response(
        orjson.dumps(body), failure.status, headers=dict(failure.headers), media_type=media_type
    )


def title_of(code: str) -> str:
    """The summary that RFC 9457 wants to be the same for every occurrence."""
    return code.replace("_", " ").capitalize()


def problem_of(failure: HttpFailure, request_id: str) -> dict[str, Any]:
    """A failure as RFC 9457 has it."""
    body: dict[str, Any] = {
        "type": f"urn:molt:problem:{failure.code}",
        "title": title_of(failure.code),
        "status": failure.status,
        "detail": failure.detail,
        "instance": f"urn:molt:request:{request_id}",
    }
    if failure.violations:
        body["errors"] = [_violation(violation) for violation in failure.violations]
    return body | dict(failure.extensions)


def _violation(violation: Violation) -> dict[str, str]:
    if violation.source == "body":
        found = {"detail": violation.detail, "pointer": f"#{violation.pointer}"}
        return found | ({"id": violation.element} if violation.element else {})
    return {"detail": violation.detail, "parameter": violation.pointer[1:]}


def _openai(failure: HttpFailure) -> dict[str, Any]:
    fallback = "server_error" if failure.status >= 500 else "invalid_request_error"
    first = failure.violations[0].place if failure.violations else ()
    return {
        "error": {
            "message": failure.detail,
            "type": _OPENAI_TYPES.get(failure.status, fallback),
            "param": str(first[0])[:200] if first else None,
            "code": failure.code,
        }
    }


def _tei(failure: HttpFailure) -> dict[str, Any]:
    fallback = "Backend" if failure.status >= 500 else "Validation"
    return {"error": failure.detail, "error_type": _TEI_TYPES.get(failure.status, fallback)}
