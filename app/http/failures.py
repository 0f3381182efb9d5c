"""Failures: why a request was not answered, before anybody decided how to write that down.

Owns what the HTTP layer itself refuses. What the parts refuse is mapped in `errors`; how a failure
is written for one family of clients is `envelopes`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from molt.app.http.sentences import quoted
from molt.index.catalog.access.keys import Key

STOPPING = "the server is shutting down; try again"
_TOLD = 3
"""So many violations are told in a sentence each; a list has them all."""
WHEN_STOPPING = {"Retry-After": "5"}


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong with a request.

    `place` is where: keys and indices inside the body, or a parameter's name. `element` is the id
    of the innermost element of a list there, where it has one.
    """

    detail: str
    source: str
    place: tuple[str | int, ...] = ()
    element: str = ""

    @property
    def pointer(self) -> str:
        """The place as an RFC 6901 pointer, cut after 200 characters."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in self.place)
        return "".join(f"/{step}" for step in steps)[:200]


@dataclass(frozen=True)
class HttpFailure:
    """What goes wrong: an HTTP status, a stable code, and a sentence that says what to do."""

    status: int
    code: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)


class RequestError(Exception):
    """Base of what the HTTP layer refuses on its own; `errors` says with which status."""

    def __init__(
        self,
        detail: str,
        *,
        violations: Sequence[Violation] = (),
        headers: Mapping[str, str] | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.violations = tuple(violations)
        self.headers = headers or {}
        self.extensions = extensions or {}


class InvalidRequestError(RequestError):
    """The request was understood and cannot be taken: each violation says why."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        told = "; ".join(map(_told, violations[:_TOLD]))
        left = len(violations) - _TOLD
        super().__init__(f"{told} (and {left} more)" if left > 0 else told, violations=violations)


def _told(violation: Violation) -> str:
    where = violation.pointer[1:].replace("/", ".")
    where += f" (id {quoted(violation.element)})" if violation.element else ""
    return f"{where}: {violation.detail}" if where else violation.detail


class InvalidElementError(InvalidRequestError):
    """A document in a list was understood and cannot be kept; nothing of the list was."""


class InvalidJsonError(RequestError):
    """The body is not JSON in UTF-8."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the body is not JSON: {reason}")


class AmbiguousJsonError(RequestError):
    """The body is JSON that readers understand in different ways."""


class InvalidQueryStringError(RequestError):
    """The query string is not percent-encoded UTF-8."""

    def __init__(self) -> None:
        super().__init__("the query string is not percent-encoded UTF-8")


class InvalidLineError(RequestError):
    """A line of an NDJSON body is wrong; the lines before it were taken."""

    def __init__(self, line: int, reason: str, *, accepted: int, revision: int) -> None:
        kept = f"{accepted} documents" if accepted != 1 else "1 document"
        detail = f"line {line}: {reason}; accepted before it: {kept}"
        extensions = {"line": line, "accepted": accepted, "revision": revision}
        super().__init__(detail, extensions=extensions)


class TokenArraysError(RequestError):
    """The input is tokens of somebody else's tokenizer."""

    def __init__(self) -> None:
        detail = (
            "input must be text, not token arrays: this model has a tokenizer of its own; "
            "in LangChain, pass check_embedding_ctx_length=False to OpenAIEmbeddings"
        )
        super().__init__(detail, violations=[Violation(detail, "body", ("input",))])


class InvalidCheckpointError(RequestError):
    """An uploaded checkpoint is damaged, or holds what none may hold; nothing of it was kept."""


class UnknownCheckpointError(RequestError):
    """No checkpoint of that id."""

    def __init__(self, checkpoint_id: str) -> None:
        super().__init__(
            f"there is no checkpoint {checkpoint_id[:80]!r}; GET /admin/checkpoints lists them"
        )


class UnknownReportError(RequestError):
    """No report of that id."""

    def __init__(self, report_id: str) -> None:
        super().__init__(f"there is no report {report_id[:80]!r}; GET /admin/reports lists them")


class BodyTooLargeError(RequestError):
    """The body, or a line of it, exceeds a limit."""


class InvalidCodingError(RequestError):
    """The body is not packed as its Content-Encoding says."""


class TextTooLongError(RequestError):
    """A text that was not to be cut is longer than the model reads; names it by its place."""

    def __init__(self, place: tuple[str | int, ...], *, max_length: int) -> None:
        names = [step for step in place if isinstance(step, str)]
        which = f"text {place[-1]} " if len(names) < len(place) else ""
        detail = (
            f"{which}has more than the {max_length} tokens that the model reads; shorten it, or "
            "let it be cut"
        )
        violation = Violation(detail, "body", place)
        super().__init__(f"{'.'.join(names)}: {detail}", violations=[violation])


class MediaTypeError(RequestError):
    """The body comes in a form that the route does not take."""

    def __init__(
        self, *, found: str, expected: str, headers: Mapping[str, str] | None = None
    ) -> None:
        what = f"a body of type {found[:100]!r}" if found else "a body without Content-Type"
        super().__init__(f"cannot read {what}; send {expected}", headers=headers)


class InvalidKeyError(RequestError):
    """No key, or one that is not in use; `key` is the one whose time has run out."""

    def __init__(
        self, detail: str, *, key: Key | None = None, extensions: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"}, extensions=extensions)
        self.key = key


class ForbiddenError(RequestError):
    """The key may not do this; `key` is None where it is not for want of a better one."""

    def __init__(
        self, detail: str, *, key: Key | None = None, extensions: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail, extensions=extensions)
        self.key = key


class StoppingError(RequestError):
    """The server is shutting down. `extensions` tell how far it came with a request."""

    def __init__(
        self, detail: str = STOPPING, *, extensions: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail, headers=WHEN_STOPPING, extensions=extensions)


class PartlyDeletedError(RequestError):
    """Something ended a deletion in many transactions, some of which had been made."""

    def __init__(self, cause: Exception, *, deleted: int, revision: int) -> None:
        super().__init__(
            f"{deleted} documents were deleted before; send the request again to delete the rest",
            extensions={"deleted": deleted, "revision": revision},
        )
        self.cause = cause
