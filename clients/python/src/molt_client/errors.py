"""What a server refuses, as exceptions."""

from dataclasses import dataclass, field
from typing import Any

import httpx

_PROBLEM = "urn:molt:problem:"


@dataclass(frozen=True)
class Problem:
    """A place of a request that is wrong: a JSON pointer into the body, or a parameter."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    id: str | None = None


@dataclass(eq=False)
class MoltError(Exception):
    """A request that the server refused; str() is what it says and what to do about it.

    `code` is one of those in Molt's documentation, such as `collection_not_found`. `problem` is the
    whole answer, for what only some errors tell, such as the `job` of `job_running`.
    """

    status: int
    code: str
    detail: str
    request_id: str | None = None
    problems: tuple[Problem, ...] = ()
    problem: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.detail} ({self.status} {self.code})"


class UnreachableError(Exception):
    """No answer came: the server is away, or did not answer in time."""


def error_of(response: httpx.Response) -> MoltError:
    """The error of an answer that is none of success; of a proxy's page too, which is no JSON."""
    request_id = response.headers.get("x-request-id")
    try:
        told = response.json()
    except ValueError:
        told = None
    if not isinstance(told, dict):
        told = {}
    inner = told.get("error")
    if isinstance(inner, dict):  # as OpenAI has it
        detail, code = str(inner.get("message")), str(inner.get("code"))
    else:
        detail = str(told.get("detail") or inner or response.reason_phrase)
        code = str(told.get("type", "")).removeprefix(_PROBLEM) or "unknown"
    problems = tuple(
        Problem(one.get("detail", ""), one.get("pointer"), one.get("parameter"), one.get("id"))
        for one in told.get("errors") or ()
    )
    return MoltError(response.status_code, code, detail, request_id, problems, told)
