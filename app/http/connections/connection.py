"""A connection: what it may cost before a request of it is known, and while nobody reads.

Heads are bounded in bytes, headers and time, bodies must keep arriving and answers be taken. When
it is looked at, and how many there may be, is the monitor's.
"""

import asyncio
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from molt.app.http.connections.ahead import READ_AT_ONCE, OrderedConnection
from molt.app.http.connections.monitor import MONITOR, ConnectionMonitor
from molt.app.http.connections.pace import PATIENCE_SECONDS, Pace
from molt.app.http.connections.refusals import (
    SLOW_BODY,
    SLOW_HEAD,
    TOO_MANY,
    head_too_large,
    no_http,
    written,
)
from molt.app.http.failures import HttpFailure

if TYPE_CHECKING:
    from molt.engine.sections import LimitSettings

_LINGER_SECONDS = 2.0
_MIB = 2**20
_NOT_ASCII = re.compile(rb"[\x80-\xff]")


class Phase(StrEnum):
    """What a connection is at."""

    IDLE = "idle"
    """No byte of a request has come."""
    HEAD = "head"
    BODY = "body"
    ANSWER = "answer"
    """The request is there whole, its answer is not."""
    CLOSING = "closing"
    """It was refused; what still comes is thrown away, so that the reason arrives."""


_UNDERWAY = (Phase.HEAD, Phase.BODY)


class Connection(OrderedConnection):
    """uvicorn's connection with bounds."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._monitor: ConnectionMonitor = self.app_state[MONITOR]
        self._limits: LimitSettings = self._monitor.limits
        self.headers = []
        self.phase = Phase.IDLE
        self.since = self.loop.time()
        self._raw = 0  # bytes of the head, or since the body was last found to go on
        self._over: HttpFailure | None = None
        self._half_closed = False
        self._in_first_line = False
        self._served = False  # any request
        self._pace = Pace(self._limits.min_bytes_per_second)

    @property
    def is_idle(self) -> bool:
        """Is nothing being said on it, and nothing left of what was?"""
        return self.phase is Phase.IDLE and not self.holds_back and not self._unsent

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As asyncio calls it; refused where there are too many."""
        super().connection_made(transport)
        if not self._monitor.admit(self):
            self.phase = Phase.CLOSING
            self._monitor.on_refused(TOO_MANY.code)
            self.transport.write(written(TOO_MANY))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio calls it."""
        self._monitor.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As asyncio calls it."""
        if self._ahead or self.has_to_wait:
            self.keep(data)
        else:
            self.read(data)

    def read(self, data: bytes) -> None:
        """Read in pieces, to be never far beyond the limit of a head, or ahead of answers."""
        if self.phase is Phase.IDLE:
            self._enter(Phase.HEAD)
            self._in_first_line = True
        if self._in_first_line:
            data = self._spelled_out(data)
        for start in range(0, len(data), READ_AT_ONCE):
            if self.phase is Phase.CLOSING:
                self._throw_away(len(data) - start)
                return
            if self.transport.is_closing():
                return
            if self.has_to_wait:
                self.keep(data[start:])
                return
            self._feed(data if len(data) <= READ_AT_ONCE else data[start : start + READ_AT_ONCE])

    def _spelled_out(self, data: bytes) -> bytes:
        """The parser ends a connection at a byte of the first line that is not ASCII."""
        end = data.find(b"\n")
        self._in_first_line = end < 0
        line = data if end < 0 else data[:end]
        if line.isascii():
            return data
        return _NOT_ASCII.sub(lambda found: b"%%%02X" % found[0][0], line) + data[len(line) :]

    def _feed(self, piece: bytes) -> None:
        self._raw += len(piece)
        if not self.flow.write_paused:
            self._pace.count(len(piece))
        super().data_received(piece)
        if self.phase in _UNDERWAY and self._is_too_long():
            self._over = self._over or head_too_large(self._limits)
        if self._over is not None:
            self._refuse(self._over)

    def send_400_response(self, msg: str) -> None:
        """For what is no HTTP; uvicorn calls this."""
        self._over = no_http(msg)

    def eof_received(self) -> bool:  # type: ignore[override]
        """A client that has said all it has to say still gets its answer."""
        if self.phase is not Phase.ANSWER:
            return False
        self.cycle.keep_alive = False
        self._half_closed = True
        return True

    def on_message_begin(self) -> None:
        """As the parser calls it."""
        super().on_message_begin()
        self._served = True
        if self.phase is not Phase.HEAD:
            self._enter(Phase.HEAD)

    def on_headers_complete(self) -> None:
        """As the parser calls it."""
        if self._is_head_too_large():
            self._over = head_too_large(self._limits)
        if self._over is None and not self.would_upgrade:
            self._enter(Phase.BODY)
            super().on_headers_complete()
            self._expect_trailers()

    def _expect_trailers(self) -> None:
        """What comes behind a body is no header (RFC 9110, 6.5.1): it is counted, and no more."""
        self.headers = []

    def _is_head_too_large(self) -> bool:
        """Is it, now that it is there whole? In the usual case nothing is added up."""
        if len(self.headers) > self._limits.max_headers:
            return True
        if self._raw + READ_AT_ONCE <= self._limits.max_head_bytes:
            return False
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        return size > self._limits.max_head_bytes

    def _is_too_long(self) -> bool:
        """Is what has been read of a head or of trailers more than there may be?"""
        limits = self._limits
        return self._raw > limits.max_head_bytes or len(self.headers) > limits.max_headers

    def on_body(self, body: bytes) -> None:
        """As the parser calls it."""
        self._raw = 0
        if self._over is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """As the parser calls it."""
        if self._is_too_long():
            self._over = head_too_large(self._limits)
        if self._over is None and not self.would_upgrade:
            super().on_message_complete()
            self._enter(Phase.IDLE if self.cycle.response_complete else Phase.ANSWER)

    def on_response_complete(self) -> None:
        """As the answering task calls it; those sent ahead may be without their answers."""
        super().on_response_complete()
        if self.phase is Phase.ANSWER and self.cycle.response_complete:
            self._enter(Phase.IDLE)
        elif self.phase is Phase.BODY:
            self.since = self.loop.time()

    def pause_writing(self) -> None:
        """As asyncio calls it where the client takes its answer slower than it is written."""
        super().pause_writing()
        self._pace.begin(self.loop.time())

    def give_way(self) -> None:
        """Make room for another connection; nothing was being said on this one."""
        self._monitor.forget(self)
        self.transport.close()

    def look(self, now: float) -> None:
        """End what has taken too long."""
        if self.phase is Phase.CLOSING:
            if now - self.since > _LINGER_SECONDS:
                self.transport.abort()
        elif self.flow.write_paused or self._is_last_to_go:
            self._look_at_answer(now)
        elif self.holds_back:  # it is we who are slow
            self.since = now
            self._pace.begin(now)
            self.look_for_client()
        elif self.phase is Phase.BODY:
            self._look_at_body(now)
        elif self.phase is not Phase.ANSWER:
            self._look_at_head(now)
        elif self._half_closed:
            self.ask_whether_anybody_is_there()

    @property
    def _unsent(self) -> int:
        """Bytes of answers that the client has not taken yet."""
        return self.transport.get_write_buffer_size()

    @property
    def _is_last_to_go(self) -> bool:
        """Is there nothing left to do but to send the rest? It would be kept open until then."""
        return bool(self._unsent) and (self.phase is Phase.IDLE or self.transport.is_closing())

    def _look_at_answer(self, now: float) -> None:
        if self._pace.is_too_slow(now, left=self._unsent):
            self._monitor.on_refused("slow_reader")
            self.transport.abort()

    def _look_at_body(self, now: float) -> None:
        if self._is_answered and now - self.since > PATIENCE_SECONDS:
            self.transport.close()  # nobody reads the rest, which may have no end
        elif self.flow.read_paused:  # it is we who are slow
            self._pace.begin(now)
        elif self._pace.is_too_slow(now):
            self._refuse(SLOW_BODY)

    @property
    def _is_answered(self) -> bool:
        return self.cycle is not None and self.cycle.response_complete

    def _look_at_head(self, now: float) -> None:
        """uvicorn's timer of idle ones ends where a body goes on to come after its answer."""
        waited = now - self.since
        if self.phase is Phase.HEAD:
            if waited > self._limits.head_seconds:
                self._refuse(SLOW_HEAD)
        elif waited > (self.timeout_keep_alive if self._served else self._limits.head_seconds):
            self.transport.close()

    def _enter(self, phase: Phase) -> None:
        self.phase, self.since, self._raw = phase, self.loop.time(), 0
        self._pace.begin(self.since)

    def _refuse(self, failure: HttpFailure) -> None:
        """Say why, say nothing else, and close."""
        self._over = failure
        if self.phase is Phase.CLOSING or self.transport.is_closing():
            return
        answering = self.give_up()
        self._enter(Phase.CLOSING)
        self._monitor.on_refused(failure.code)
        if answering:
            self.transport.abort()
            return
        self.flow.resume_reading()
        self.transport.write(self._monitor.tell(failure, self.headers))
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _throw_away(self, size: int) -> None:
        self._raw += size
        if self._raw > _MIB:
            self.transport.abort()
