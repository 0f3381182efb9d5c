"""Refusals: what a connection is told that was ended before any application saw its request."""

from molt.app.http.admission import OverloadedError
from molt.app.http.envelopes import write_failure
from molt.app.http.failures import HttpFailure
from molt.engine.settings import LimitSettings


def written(failure: HttpFailure) -> bytes:
    """A whole answer after which the connection closes.

    No path is known yet that would say whose envelope it should have.
    """
    return _written(failure, path="/", request_id="unknown", last=b"connection: close")


def written_to(failure: HttpFailure, *, path: str, request_id: str) -> bytes:
    """A whole answer to a request for `path`, after which the connection may go on."""
    last = b"x-request-id: %s" % request_id.encode()
    return _written(failure, path=path, request_id=request_id, last=last)


def _written(failure: HttpFailure, *, path: str, request_id: str, last: bytes) -> bytes:
    response = write_failure(failure, path=path, request_id=request_id)
    lines = [b"HTTP/1.1 %d %s" % (failure.status, _PHRASES[failure.status])]
    lines += [b"%s: %s" % header for header in response.raw_headers]
    return b"\r\n".join([*lines, last, b"", bytes(response.body)])


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
    return HttpFailure(400, "invalid_http", reason)


def head_too_large(limits: LimitSettings) -> HttpFailure:
    """What is said of a head beyond its limits."""
    return HttpFailure(
        431,
        "head_too_large",
        f"the head of the request has more than {limits.max_headers} headers or "
        f"{limits.max_head_bytes} bytes; the settings limits.max_headers and "
        "limits.max_head_bytes bound them",
    )
