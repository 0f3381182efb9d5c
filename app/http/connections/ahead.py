"""Requests sent ahead: of what comes before other answers have gone, little is read.

A request that waits for its turn holds a hundred times its own bytes, and each answer would let
more of them in. So what comes after a few is kept as it came, and nothing more is received until it
has been read. The same holds while a client does not take its answers.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from molt.app.http.connections.protocol import OneProtocolConnection

READ_AT_ONCE = 4 * 1024
"""So many bytes are read at once: as many requests may wait as are in them."""
_TCP_INFO = getattr(socket, "TCP_INFO", None)
_CLOSED, _CLOSE_WAIT = 7, 8
"""What Linux says of a connection after a reset, and after the end of what its client says."""


class OrderedConnection(OneProtocolConnection):
    """uvicorn's connection, which reads no further while requests wait for their turn."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._ahead = b""
        self._goes_on = False
        self._at_work: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As asyncio calls it."""
        super().connection_made(transport)
        self.flow = _OrderedFlow(transport, lambda: self.holds_back)

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio calls it; who is at work is told too, and not only who came last."""
        self.give_up()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """As asyncio calls it where the client has taken enough of its answers."""
        super().resume_writing()
        self._come_back()

    def on_response_complete(self) -> None:
        """As the answering task calls it."""
        super().on_response_complete()
        self._come_back()

    def shutdown(self) -> None:
        """End after the request at work; those sent ahead of its answer were not begun."""
        super().shutdown()
        if self._at_work is not None:
            self._at_work.keep_alive = False

    def read(self, data: bytes) -> None:
        """Read what has been received, until `has_to_wait`; the rest is to be kept."""
        raise NotImplementedError

    @property
    def holds_back(self) -> bool:
        """Has something been received that has not had its turn? Then nothing more is."""
        return bool(self.pipeline or self._ahead)

    @property
    def has_to_wait(self) -> bool:
        """Does something have its turn before what comes next?"""
        takes_body = self.cycle is not None and self.cycle.more_body
        return bool(self.pipeline) or (self.flow.write_paused and not takes_body)

    def keep(self, rest: bytes) -> None:
        """Keep what is to be read later, and receive nothing more until then."""
        self._ahead += rest
        self.flow.pause_reading()

    def give_up(self) -> bool:
        """Let go of every request that came; was one being answered?"""
        self._ahead = b""
        self.pipeline.clear()
        begun = [
            each for each in (self._at_work, self.cycle) if each and not each.response_complete
        ]
        for each in begun:
            each.disconnected = True
            each.message_event.set()
        return any(each.response_started for each in begun)

    def look_for_client(self) -> None:
        """Find out whether it has gone, which nobody is told while nothing is received."""
        peer = self.transport.get_extra_info("socket")
        state = peer.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0] if _TCP_INFO else None
        if state == _CLOSED:
            self.transport.abort()
        elif state == _CLOSE_WAIT:
            self.ask_whether_anybody_is_there()

    def ask_whether_anybody_is_there(self) -> None:
        """Whoever closed the whole connection answers this with a reset."""
        asked = self._at_work
        if asked is None or asked.response_started or asked.scope["http_version"] != "1.1":
            return
        self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._at_work = cycle
        super()._start_asgi_task(cycle, app)

    def _come_back(self) -> None:
        """Not at once: an answer may be made while the parser is at work."""
        if self._ahead and not self._goes_on:
            self._goes_on = True
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._goes_on = False
        if self.has_to_wait or self.transport.is_closing():
            return
        rest, self._ahead = self._ahead, b""
        self.read(rest)
        if not self._ahead:
            self.flow.resume_reading()


class _OrderedFlow(FlowControl):
    """Receives nothing while something `waits` that was received."""

    def __init__(self, transport: asyncio.Transport, waits: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._waits = waits

    def resume_reading(self) -> None:
        if not self._waits():
            super().resume_reading()
