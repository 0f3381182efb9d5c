"""Refusals: what a connection is told that was ended before any application saw its request."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from starlette.responses import Response

from molt.app.http.admission import OverloadedError
from molt.app.http.envelopes import write_failure
from molt.app.http.failures import HttpFailure
from molt.engine.sections import LimitSettings

Headers = Iterable[tuple[bytes, bytes]]
_ID_HEADER = b"x-request-id"
_NO_ID = b"~"
"""No id has it, and nothing else of an answer; JSON writes it as it is."""


class Overload(NamedTuple):
    """That a bulkhead, `where`, is full for requests of a path; `retry_after` is in seconds."""

    where: str
    retry_after: int
    path: str


UNKNOWN = "unknown"
"""The id of a request that was refused before it had one."""


def written(failure: HttpFailure, _headers: Headers = ()) -> bytes:
    """A whole answer after which the connection closes.

    No path is known yet that would say whose envelope it should have.
    """
    return written_last(write_failure(failure, path="", request_id=UNKNOWN))


def written_last(response: Response) -> bytes:
    """A whole answer after which the connection closes."""
    return _written(response, [(b"connection", b"close")])


def written_overload(overload: Overload, *, request_id: str, more: Headers) -> bytes:
    """A whole answer where a bulkhead is full, after which the connection may go on."""
    head, rest = _overload_answer(overload, len(request_id))
    lines = [b"%s: %s\r\n" % header for header in more]
    return b"".join([head, *lines, rest.replace(_NO_ID * len(request_id), request_id.encode())])


@lru_cache(maxsize=1024)
def _overload_answer(overload: Overload, id_length: int) -> tuple[bytes, bytes]:
    """An answer without its id, in whose place are others of `_NO_ID`: up to it, and from it on.

    At many times the load that can be borne, writing the same again would cost the most.
    """
    error = OverloadedError(overload.retry_after, where=overload.where)
    no_id = id_length * _NO_ID.decode()
    failure = HttpFailure(
        429, "overloaded", str(error), headers={"Retry-After": str(error.retry_after)}
    )
    response = write_failure(failure, path=overload.path, request_id=no_id)
    answer = _written(response, [(_ID_HEADER, no_id.encode())])
    head, _, rest = answer.partition(_ID_HEADER)
    return head, _ID_HEADER + rest


def _written(response: Response, more: Headers) -> bytes:
    lines = [b"HTTP/1.1 %d %s" % (response.status_code, _PHRASES[response.status_code])]
    lines += [b"%s: %s" % header for header in (*response.raw_headers, *more)]
    return b"\r\n".join([*lines, b"", bytes(response.body)])


_PHRASES = {
    400: b"Bad Request",
    408: b"Request Timeout",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
}
SLOW_HEAD = HttpFailure(
    408, "slow_request", "the head of the request did not arrive in limits.head_seconds"
)
SLOW_BODY = HttpFailure(
    408, "slow_request", "the body arrives at less than limits.min_bytes_per_second; send it faster"
)
TOO_MANY = HttpFailure(
    429,
    "overloaded",
    "the server has as many connections as it can hold; try again in 1 s",
    headers={"Retry-After": "1"},
)


def no_http(reason: str) -> HttpFailure:
    """What is said of bytes that are no request."""
    detail = f"{reason} Send HTTP/1.1, and percent-encode what is not ASCII in its URL"
    return HttpFailure(400, "invalid_http", detail)


def head_too_large(limits: LimitSettings) -> HttpFailure:
    """What is said of a head beyond its limits."""
    return HttpFailure(
        431,
        "head_too_large",
        f"the head of the request has more than {limits.max_headers} headers or "
        f"{limits.max_head_bytes} bytes; the settings limits.max_headers and "
        "limits.max_head_bytes bound them; in a browser, delete the cookies of this address",
    )
