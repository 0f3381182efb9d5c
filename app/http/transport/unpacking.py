"""Unpacking: a body with a Content-Encoding, received as if it had none.

What it unpacks to arrives in pieces, so that every limit of bodies holds for it as for plain ones;
and it may not unpack to many times its size, however a stream of lines is bounded. A small one is
unpacked at once, a large one in the thread for large bodies.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Message, Receive

from molt.app.http.admission import Admission, OverloadedError
from molt.app.http.bodies import SMALL_BYTES, BodyShare
from molt.app.http.failures import BodyTooLargeError, InvalidCodingError, MediaTypeError
from molt.app.http.headers import header_of
from molt.app.http.transport.codings import (
    UNPACKED,
    ZSTD_WINDOW,
    CodingError,
    Unpacker,
    unpacker_of,
)
from molt.engine.sections import LimitSettings

_PAUSE = 0.05
_MOST_STEPS = 32  # of those that say nothing, such as empty members of gzip


def receive_unpacked(
    request: Request, *, limits: LimitSettings, share: BodyShare, threads: Admission
) -> Receive:
    """How the body of a request is received. Raises `MediaTypeError` for an unknown coding."""
    announced = header_of(request.scope["headers"], b"content-encoding")
    coding = announced.decode("latin-1").strip().lower()
    if coding in {"", "identity"}:
        return request.receive
    unpacker = unpacker_of(coding)
    if unpacker is None:
        raise MediaTypeError(
            found=coding,
            expected="the body plain or with one Content-Encoding of " + ", ".join(UNPACKED),
            headers={"Accept-Encoding": ", ".join(UNPACKED)},
        )
    return _Body(request.receive, coding, unpacker, limits, share, threads).receive


@dataclass
class _Body:
    """One body, and how far it has been unpacked."""

    _receive: Receive
    _coding: str
    _unpacker: Unpacker
    _limits: LimitSettings
    _share: BodyShare
    _threads: Admission
    _packed: int = 0
    _unpacked: int = 0
    _more: bool = True
    _over: bool = False

    async def receive(self) -> Message:
        """As ASGI has it."""
        while not self._over:
            if not self._unpacker.is_waiting:
                piece = await self._next()
                if piece:
                    return {"type": "http.request", "body": piece, "more_body": True}
            elif self._more:
                message = await self._receive()
                if message["type"] != "http.request":
                    return message
                self._take(message)
            else:
                return self._end()
        return await self._receive()

    def _take(self, message: Message) -> None:
        content: bytes = message.get("body", b"")
        self._packed += len(content)
        self._more = message.get("more_body", False)
        if content:
            self._unpacker.feed(content)

    def _end(self) -> Message:
        self._over = True
        if not self._unpacker.is_whole:
            raise InvalidCodingError(f"the body ends in the middle of what {self._coding} packed")
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _next(self) -> bytes:
        try:
            if self._unpacked <= SMALL_BYTES:
                await asyncio.sleep(0)
                piece = self._steps()
            else:
                piece = await self._in_thread(self._steps)
        except CodingError:
            raise InvalidCodingError(
                f"the body is not {self._coding}, as its Content-Encoding says, or is damaged"
            ) from None
        self._count(len(piece))
        return piece

    def _steps(self) -> bytes:
        for _ in range(_MOST_STEPS):
            piece = self._unpacker.step(SMALL_BYTES)
            if piece or self._unpacker.is_waiting:
                return piece
        return b""

    async def _in_thread(self, work: Callable[[], bytes]) -> bytes:
        """A stream that has begun waits for a place."""
        while True:
            try:
                return await self._threads.run(work)
            except OverloadedError:
                if self._unpacked <= 2 * SMALL_BYTES:
                    raise
            await asyncio.sleep(_PAUSE)

    def _count(self, size: int) -> None:
        self._unpacked += size
        if self._unpacked > SMALL_BYTES and self._coding == "zstd":
            self._share.hold_beside(ZSTD_WINDOW)
        limits = self._limits
        most = max(limits.max_body_bytes, self._packed * limits.max_unpacked_ratio)
        if self._unpacked > most:
            raise BodyTooLargeError(
                f"the body unpacks to more than {limits.max_unpacked_ratio} times its size; send "
                "it plain or in parts, or raise the setting limits.max_unpacked_ratio"
            )
