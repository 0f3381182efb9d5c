"""The monitor: every connection of a process, how many there may be, and when each is looked at.

There are never so many that files of the service's own could not be opened. All are looked at once
a second, so that a connection costs no timer; what has taken too long is a connection's to say.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from molt.app.http.connections.refusals import Headers, written
from molt.app.http.failures import HttpFailure
from molt.engine.sections import LimitSettings

if TYPE_CHECKING:
    from molt.app.http.connections.connection import Connection

log = structlog.get_logger(__name__)

MONITOR = "connections"
"""What the application's state calls the monitor."""
_LOOK_SECONDS = 1.0


@dataclass
class ConnectionMonitor:
    """Every connection of a process. Used from its event loop alone.

    `tell` says what one that is refused is told, by what is known of its request's headers.
    """

    limits: LimitSettings
    most: int
    on_count: Callable[[int], None] = lambda _: None
    on_refused: Callable[[str], None] = lambda _: None
    tell: Callable[[HttpFailure, Headers], bytes] = written
    _connections: "set[Connection]" = field(default_factory=set)
    _looking: bool = False

    def admit(self, connection: "Connection") -> bool:
        """Take one more connection, if need be in place of the one that is idle for longest."""
        if len(self._connections) >= self.most:
            idle = [one for one in self._connections if one.is_idle]
            if not idle:
                return False
            min(idle, key=lambda one: one.since).give_way()
        self._connections.add(connection)
        self.on_count(len(self._connections))
        if not self._looking:
            self._looking = True
            connection.loop.call_later(_LOOK_SECONDS, self._look, connection.loop)
        return True

    def forget(self, connection: "Connection") -> None:
        """It has ended, or is about to."""
        self._connections.discard(connection)
        self.on_count(len(self._connections))

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._connections):
            try:
                connection.look(now)
            except Exception:  # or none would ever be looked at again
                log.exception("connection.failed")
                connection.transport.abort()
        self._looking = bool(self._connections)
        if self._looking:
            loop.call_later(_LOOK_SECONDS, self._look, loop)
