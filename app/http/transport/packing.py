"""Packing: answers as gzip or zstd, where the client takes them and it is worth it.

Also answers HEAD: the head of what GET would answer. Server-sent events go as they are, since each
has to arrive at once; a large answer is packed in a thread, and none where that has no room.
"""

from starlette.types import Message, Scope, Send

from molt.app.http.admission import Admission, OverloadedError
from molt.app.http.answers import PACKED_WHOLE
from molt.app.http.bodies import SMALL_BYTES
from molt.app.http.headers import header_of
from molt.app.http.transport.codings import Packer, coding_wanted, packed_whole, packer_of

LEAST_BYTES = 1024
"""Shorter answers are not packed: they fit into one packet anyway."""
_AT_ONCE = 16 * 1024
_BODILESS = {204, 206, 304}
_PACKABLE = (b"application/json", b"application/problem+json", b"application/x-ndjson", b"text/")
_ALSO = (b"image/svg", b"application/javascript")
_EVENTS = b"text/event-stream"
_VARY = (b"vary", b"Accept-Encoding")
_Headers = list[tuple[bytes, bytes]]


class Answering:
    """How one request is answered; `send` takes the application's messages."""

    __slots__ = ("_coding", "_held", "_is_head", "_packer", "_send", "_threads")

    def __init__(self, scope: Scope, send: Send, *, threads: Admission) -> None:
        self._send = send
        self._threads = threads
        self._is_head = scope["method"] == "HEAD"
        self._held: Message | None = None
        self._packer: Packer | None = None
        accepted = header_of(scope["headers"], b"accept-encoding")
        self._coding = coding_wanted(accepted) if accepted else None
        if self._coding and not self._is_head:
            scope[PACKED_WHOLE] = True

    async def send(self, message: Message) -> None:
        """As ASGI has it."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._is_head:
            return
        elif self._held is None and self._packer is None:
            await self._send(message)
        elif self._packer is not None:
            await self._go_on(self._packer, message)
        else:
            await self._first(message)

    async def _begin(self, message: Message) -> None:
        headers: _Headers = list(message.get("headers", ()))
        if _may_be_packed(message["status"], headers):
            message["headers"] = headers = [*headers, _VARY]
            if self._coding and not self._is_head:
                self._held = message
                return
            if self._coding:
                message["headers"] = self._packed_headers(headers)
        await self._send(message)
        if self._is_head:
            await self._send({"type": "http.response.body", "body": b""})

    async def _first(self, message: Message) -> None:
        """Here it shows whether the whole body is there."""
        start, self._held = self._held, None
        if start is None or self._coding is None:
            return
        if message.get("more_body", False):
            self._packer = packer_of(self._coding)
            start["headers"] = self._packed_headers(start["headers"])
            await self._send(start)
            await self._go_on(self._packer, message)
            return
        content = await self._whole(bytes(message.get("body", b"")), start)
        await self._send(start)
        for at in range(0, len(content) or 1, SMALL_BYTES):
            piece, more = content[at : at + SMALL_BYTES], at + SMALL_BYTES < len(content)
            await self._send({"type": "http.response.body", "body": piece, "more_body": more})

    async def _whole(self, plain: bytes, start: Message) -> bytes:
        """The body as it is sent, packed or not; says so in the head."""
        coding = self._coding or ""
        try:
            content = (
                packed_whole(plain, coding)
                if len(plain) <= _AT_ONCE
                else await self._threads.run(packed_whole, plain, coding)
            )
        except OverloadedError:
            return plain
        length = (b"content-length", b"%d" % len(content))
        start["headers"] = [*self._packed_headers(start["headers"]), length]
        return content

    async def _go_on(self, packer: Packer, message: Message) -> None:
        piece, more = bytes(message.get("body", b"")), message.get("more_body", False)

        def work() -> bytes:
            content = packer.compress(piece)
            return content if more else content + packer.flush()

        try:
            content = work() if len(piece) <= _AT_ONCE else await self._threads.run(work)
        except OverloadedError:
            content = work()  # it has begun, so there is no other way
        if content or not more:
            await self._send({"type": "http.response.body", "body": content, "more_body": more})

    def _packed_headers(self, headers: _Headers) -> _Headers:
        coding = (b"content-encoding", (self._coding or "").encode())
        return [*(one for one in headers if one[0] != b"content-length"), coding]


def _may_be_packed(status: int, headers: _Headers) -> bool:
    """Of what else than the client's wish it depends."""
    kind, length = b"", LEAST_BYTES
    for name, value in headers:
        if name == b"content-type":
            kind = value
        elif name == b"content-length":
            length = int(value)
        elif name == b"content-encoding" or (name == b"cache-control" and b"no-tr" in value):
            return False
    packable = kind.startswith(_PACKABLE + _ALSO) and not kind.startswith(_EVENTS)
    return packable and length >= LEAST_BYTES and status not in _BODILESS
