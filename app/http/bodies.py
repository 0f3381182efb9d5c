"""Bodies: read within a limit and parsed without surprises. Knows no schema.

What all bodies that are being read or worked on hold together is bounded too. A small one costs no
more than its connection, so it is not counted, and is never refused because of large ones.

orjson refuses what must not get further: NaN, 1e400, lone surrogates, bytes that are not UTF-8, and
nesting deeper than its own bound. The framework's own body limit is not used, because it answers in
plain text and not in the envelope of the route.
"""

import asyncio
import math
import time
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path
from typing import Any, Self

from starlette.requests import Request

from molt.app.http.admission import OverloadedError
from molt.app.http.failures import BodyTooLargeError, InvalidJsonError, MediaTypeError
from molt.app.http.headers import header_of
from molt.app.http.stepwise import parse, parse_stepwise

NDJSON = "application/x-ndjson"
_PARSED = "molt.parsed"
LINES = frozenset(
    {
        NDJSON,
        *("application/ndjson", "application/jsonl", "application/x-jsonl"),
        *("application/jsonlines", "application/x-jsonlines", "application/json-lines"),
        *("text/x-ndjson", "text/jsonl"),
    }
)
"""What a body of one JSON value a line calls itself; no name is registered."""
SMALL_BYTES = 64 * 1024
"""Up to here a body is parsed at once, where it is read, and counts for nothing."""
_SMOOTHING = 0.2
_PIECE = 1024 * 1024


class BodyBudget:
    """How many bytes of large bodies may be in flight. Used from one event loop.

    `where` names them in an `OverloadedError`.
    """

    def __init__(self, limit: int, *, where: str = "bodies") -> None:
        self.limit = limit
        self.where = where
        self.in_flight = 0
        self._mean_seconds = 1.0

    def share(self) -> "BodyShare":
        """What one request takes; a context manager, at whose end it is given back."""
        return BodyShare(self)

    def lasted(self, seconds: float) -> None:
        """A large body was held for so long."""
        self._mean_seconds += _SMOOTHING * (seconds - self._mean_seconds)

    @property
    def retry_after(self) -> int:
        """Seconds, at least 1, that a large body has taken of late."""
        return max(1, math.ceil(self._mean_seconds))


class BodyShare:
    """The bytes that one request holds."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._size = 0
        self._beside = 0
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        """Nothing is held yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give everything back."""
        if self.counted:
            self._budget.lasted(time.monotonic() - self._began)
            self._budget.in_flight -= self.counted
            self._size = self._beside = 0

    @property
    def counted(self) -> int:
        """What of it counts."""
        return _counted(self._size) + self._beside

    def fits(self, size: int) -> bool:
        """Could it hold so many bytes?"""
        more = _counted(size) - _counted(self._size)
        return more <= 0 or self._budget.in_flight + more <= self._budget.limit

    def resize(self, size: int) -> None:
        """Hold so many bytes from now on. Raises `OverloadedError` where there is no room."""
        if not self.fits(size):
            raise OverloadedError(self._budget.retry_after, where=self._budget.where)
        self._budget.in_flight += _counted(size) - _counted(self._size)
        self._size = size

    def hold_beside(self, size: int) -> None:
        """Hold so many bytes more for as long as the request lasts. Raises as `resize` does."""
        more = size - self._beside
        if self._budget.in_flight + more > self._budget.limit:
            raise OverloadedError(self._budget.retry_after, where=self._budget.where)
        self._budget.in_flight += more
        self._beside = size


def _counted(size: int) -> int:
    return size if size > SMALL_BYTES else 0


class JsonRequest(Request):
    """A request whose body the framework finds parsed."""

    def hold(self, content: bytes, value: Any) -> None:
        """Take the body and what it says."""
        self._body, self._json = content, value
        self.scope[_PARSED] = value


def parsed_of(request: Request) -> Any:
    """What the body of a request says, parsed or validated; None before it was read."""
    return request.scope.get(_PARSED)


async def read_body(request: Request, *, limit: int, share: BodyShare) -> bytes:
    """The whole body.

    Raises `BodyTooLargeError` beyond `limit` bytes, at the first of them, and `OverloadedError`
    where large bodies have no room.
    """
    if announced_size(request) > limit:
        raise too_large(limit)
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        share.resize(size)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def save_body(request: Request, path: Path, *, limit: int, refusal: Exception) -> None:
    """Write the body to a file, whatever its size, and hold no more than a piece of it.

    Raises `refusal` beyond `limit` bytes. Not in a request thread: it may take an hour, most of
    which it waits.
    """
    if announced_size(request) > limit:
        raise refusal
    with path.open("wb") as file:
        size, piece = 0, bytearray()
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise refusal
            piece += chunk
            if len(piece) >= _PIECE:
                await asyncio.to_thread(file.write, piece)
                piece = bytearray()
        await asyncio.to_thread(file.write, piece)


def announced_size(request: Request) -> int:
    """How many bytes the body claims to have; 0 where it does not say."""
    announced = header_of(request.scope["headers"], b"content-length")
    return int(announced[:20]) if announced.isdigit() else 0


def parse_json(body: bytes) -> Any:
    """Any JSON value, behind a byte order mark or not.

    Raises `InvalidJsonError` or `AmbiguousJsonError`.
    """
    body = body.removeprefix(BOM_UTF8)
    try:
        return parse_stepwise(body) if len(body) > SMALL_BYTES else parse(body)
    except ValueError as error:  # of encodings too
        raise InvalidJsonError(_misread(body) or str(error)) from None


_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


def _misread(body: bytes) -> str | None:
    """Why a body is no text, where it is none."""
    for magic, coding in _PACKED.items():
        if body.startswith(magic):
            return f"it is packed with {coding}; say so with Content-Encoding: {coding}"
    if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return "it is UTF-16; send UTF-8"
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"byte {error.start} is not valid UTF-8"
    return None


def media_type(request: Request) -> str:
    """What the body claims to be, in small letters and without parameters."""
    claimed = header_of(request.scope["headers"], b"content-type").decode("latin-1")
    return claimed.partition(";")[0].strip().lower()


def require_json(request: Request) -> None:
    """Raise `MediaTypeError` unless the body claims to be JSON."""
    found = media_type(request)
    if found != "application/json" and not (
        found.startswith("application/") and found.endswith("+json")
    ):
        raise MediaTypeError(found=found, expected="application/json")


def require_plain(request: Request) -> None:
    """Raise `MediaTypeError` where the body claims to be compressed."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise MediaTypeError(found=coding, expected="the body without Content-Encoding")


def too_large(limit: int) -> BodyTooLargeError:
    """What is said of a body of more than `limit` bytes."""
    return BodyTooLargeError(
        f"the body exceeds {limit} bytes; send less at once, documents as NDJSON, or raise "
        "the setting limits.max_body_bytes"
    )
