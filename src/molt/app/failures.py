"""Failures: why a request was not answered, before anybody decided how to write that down.

Owns what the HTTP layer itself refuses. What the parts refuse is mapped in `errors`; how a failure
is written for one family of clients is `envelopes`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with a request.

    `place` is where: keys and indices inside the body, or a parameter's name.
    """

    detail: str
    source: str
    place: tuple[str | int, ...] = ()

    @property
    def pointer(self) -> str:
        """The place as an RFC 6901 pointer, cut after 200 characters."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in self.place)
        return "".join(f"/{step}" for step in steps)[:200]


@dataclass(frozen=True)
class Failure:
    """What goes wrong: an HTTP status, a stable code, and a sentence that says what to do."""

    status: int
    code: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)


class RequestError(Exception):
    """Base of what the HTTP layer refuses on its own; carries the whole failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class InvalidRequestError(RequestError):
    """The request was understood and cannot be taken: each violation says why."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        where = violations[0].pointer[1:].replace("/", ".")
        detail = f"{where}: {violations[0].detail}{more}" if where else violations[0].detail
        super().__init__(Failure(422, "invalid_request", detail, violations=tuple(violations)))


class InvalidJsonError(RequestError):
    """The body is not JSON in UTF-8."""

    def __init__(self, reason: str) -> None:
        super().__init__(Failure(422, "invalid_json", f"the body is not JSON: {reason}"))


class InvalidQueryStringError(RequestError):
    """The query string is not percent-encoded UTF-8."""

    def __init__(self) -> None:
        detail = "the query string is not percent-encoded UTF-8"
        super().__init__(Failure(422, "invalid_query_string", detail))


class InvalidLineError(RequestError):
    """A line of an NDJSON body is wrong; the lines before it were taken."""

    def __init__(self, line: int, reason: str, *, accepted: int, revision: int) -> None:
        detail = f"line {line}: {reason}; the {accepted} documents before it were accepted"
        extensions = {"line": line, "accepted": accepted, "revision": revision}
        super().__init__(Failure(422, "invalid_line", detail, extensions=extensions))


class TokenArraysError(RequestError):
    """The input is tokens of somebody else's tokenizer."""

    def __init__(self) -> None:
        detail = (
            "input must be text, not token arrays: this model has a tokenizer of its own; "
            "in LangChain, pass check_embedding_ctx_length=False to OpenAIEmbeddings"
        )
        violations = (Violation(detail, "body", ("input",)),)
        super().__init__(Failure(400, "token_arrays_not_supported", detail, violations=violations))


class NotAvailableError(RequestError):
    """A route of the surface that this version does not serve yet."""

    def __init__(self, what: str) -> None:
        detail = f"{what} is not available yet in this version of Molt"
        super().__init__(Failure(422, "not_available_yet", detail))


class BodyTooLargeError(RequestError):
    """The body, or a line of it, exceeds a limit."""

    def __init__(self, detail: str) -> None:
        super().__init__(Failure(413, "body_too_large", detail))


class MediaTypeError(RequestError):
    """The body comes in a form that the route does not take."""

    def __init__(self, *, found: str, expected: str) -> None:
        what = f"a body of type {found[:100]!r}" if found else "a body without Content-Type"
        detail = f"cannot read {what}; send {expected}"
        super().__init__(Failure(415, "unsupported_media_type", detail))


class InvalidKeyError(RequestError):
    """No key, or one that is not in use."""

    def __init__(self, detail: str) -> None:
        headers = {"WWW-Authenticate": "Bearer"}
        super().__init__(Failure(401, "invalid_key", detail, headers=headers))


class ForbiddenError(RequestError):
    """The key may not do this."""

    def __init__(self, detail: str) -> None:
        super().__init__(Failure(403, "forbidden", detail))


class StoppingError(RequestError):
    """The server is shutting down."""

    def __init__(self) -> None:
        headers = {"Retry-After": "5"}
        detail = "the server is shutting down; try again"
        super().__init__(Failure(503, "stopping", detail, headers=headers))
