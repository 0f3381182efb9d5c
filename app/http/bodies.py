"""Bodies: read within a limit and parsed without surprises. Knows no schema.

orjson refuses what must not get further: NaN, 1e400, lone surrogates, bytes that are not UTF-8, and
nesting deeper than its own bound. The framework's own body limit is not used, because it answers in
plain text and not in the envelope of the route.
"""

from typing import Any

import orjson
from starlette.requests import Request

from molt.app.http.failures import BodyTooLargeError, InvalidJsonError, MediaTypeError

NDJSON = "application/x-ndjson"


class JsonRequest(Request):
    """A request whose body is parsed here before the framework asks for it."""

    async def load(self, *, limit: int) -> Any:
        """Read and parse the body; an empty one is None.

        Raises `MediaTypeError`, `BodyTooLargeError` or `InvalidJsonError`.
        """
        self._body = await read_body(self, limit=limit)
        if self._body:
            require_json(self)
            self._json = parse_json(self._body)
        return self._json if self._body else None


async def read_body(request: Request, *, limit: int) -> bytes:
    """The whole body. Raises `BodyTooLargeError` beyond `limit` bytes, at the first of them."""
    if announced_size(request) > limit:
        raise _too_large(limit)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def announced_size(request: Request) -> int:
    """How many bytes the body claims to have; 0 where it does not say."""
    announced = request.headers.get("content-length", "")
    return int(announced[:20]) if announced.isdecimal() else 0


def parse_json(body: bytes) -> Any:
    """Any JSON value. Raises `InvalidJsonError`, which never repeats what was sent."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidJsonError(str(error)) from None


def media_type(request: Request) -> str:
    """What the body claims to be, in small letters and without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def require_json(request: Request) -> None:
    """Raise `MediaTypeError` unless the body claims to be JSON and not to be compressed."""
    found = media_type(request)
    if found != "application/json" and not (
        found.startswith("application/") and found.endswith("+json")
    ):
        raise MediaTypeError(found=found, expected="application/json")
    require_plain(request)


def require_plain(request: Request) -> None:
    """Raise `MediaTypeError` where the body claims to be compressed."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise MediaTypeError(found=coding, expected="the body without Content-Encoding")


def _too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(
        f"the body exceeds {limit} bytes; send less at once, documents as NDJSON, or raise "
        "the setting limits.max_body_bytes"
    )
