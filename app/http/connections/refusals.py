"""Refusals: what a connection is told that was ended before any application saw its request."""

from collections.abc import Sequence

from starlette.responses import Response

from molt.app.http.admission import OverloadedError
from molt.app.http.envelopes import write_failure
from molt.app.http.failures import HttpFailure
from molt.engine.sections import LimitSettings

Headers = Sequence[tuple[bytes, bytes]]
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


def written_to(failure: HttpFailure, *, path: str, request_id: str, more: Headers) -> bytes:
    """A whole answer to a request for `path`, after which the connection may go on."""
    response = write_failure(failure, path=path, request_id=request_id)
    return _written(response, [*more, (b"x-request-id", request_id.encode())])


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


def overloaded(error: OverloadedError) -> HttpFailure:
    """What is said where a bulkhead is full."""
    return HttpFailure(
        429, "overloaded", str(error), headers={"Retry-After": str(error.retry_after)}
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
