"""Connections by a clock of our own."""

import asyncio
from collections.abc import Coroutine
from typing import Any
from unittest.mock import Mock

import uvicorn
from uvicorn.server import ServerState

from molt.app.http.connections.connection import Connection
from molt.app.http.connections.monitor import MONITOR, ConnectionMonitor
from molt.app.http.connections.pace import PATIENCE_SECONDS
from molt.engine.sections import LimitSettings

RATE = 1000
LEAST = int(RATE * PATIENCE_SECONDS)
LIMITS = LimitSettings(min_bytes_per_second=RATE, head_seconds=20.0)
KEPT_ALIVE = 75
GET = b"GET / HTTP/1.1\r\n\r\n"


class Made:
    """A connection whose time and bytes pass as a test says; no application ever answers."""

    def __init__(self, kind: type[Connection] = Connection, **state: object) -> None:
        self.now = 100.0
        self.refused: list[str] = []
        self.left = 0
        loop = Mock(spec=asyncio.AbstractEventLoop)
        loop.time = lambda: self.now
        loop.create_task = _never
        self.counts: list[int] = []
        monitor = ConnectionMonitor(
            LIMITS, most=10, on_count=self.counts.append, on_refused=self.refused.append
        )
        config = uvicorn.Config(_unasked, http=kind, log_config=None, timeout_keep_alive=KEPT_ALIVE)
        self.transport = Mock(spec=asyncio.Transport)
        self.transport.get_extra_info.return_value = None
        self.transport.is_closing.return_value = False
        self.transport.get_write_buffer_size = lambda: self.left
        self.one = kind(config, ServerState(), {MONITOR: monitor, **state}, _loop=loop)
        self.one.connection_made(self.transport)

    def receives(self, data: bytes) -> None:
        self.one.data_received(data)

    def answers(self) -> None:
        """The request that is at work is answered whole."""
        self.one.cycle.response_started = self.one.cycle.response_complete = True
        self.one.on_response_complete()

    def passes(self, seconds: float) -> None:
        """Time, at whose end the connection is looked at."""
        self.now += seconds
        self.one.look(self.now)

    @property
    def is_ended(self) -> bool:
        return bool(self.refused or self.transport.close.called or self.transport.abort.called)


async def _unasked(_scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError


def _never(work: Coroutine[Any, Any, None], **_: object) -> Mock:
    work.close()
    return Mock(spec=asyncio.Task)
