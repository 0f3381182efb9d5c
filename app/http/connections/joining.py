"""Joined writes: the head of an answer goes out with its body, in one packet in place of two.

uvicorn writes one after the other, and the loop sends each as it comes: a call into the system for
either, and a client that is woken twice.
"""

import asyncio
from typing import Any

MOST = 64 * 1024
"""What is larger is written as it comes; joining would copy it."""


class JoinedWrites:
    """A transport that keeps what is written until more comes or the loop goes on to others.

    Everything but writing is the transport's own.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._kept = b""
        self._is_due = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Keep the first of several, and send it with the next one."""
        if len(data) >= MOST:
            self._flush()
            self._transport.write(data)
        elif self._kept:
            data, self._kept = self._kept + data, b""
            self._transport.write(data)
        else:
            self._keep(data)

    def write_eof(self) -> None:
        """Send what is kept, and no more."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Send what is kept, and end."""
        self._flush()
        self._transport.close()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Hand the transport itself over, with nothing kept."""
        self._flush()
        self._transport.set_protocol(protocol)

    def get_write_buffer_size(self) -> int:
        """Bytes that were written and are not sent."""
        return self._transport.get_write_buffer_size() + len(self._kept)

    def abort(self) -> None:
        """End, and send nothing."""
        self._kept = b""
        self._transport.abort()

    def _keep(self, data: bytes) -> None:
        self._kept = data
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._is_due = False
        self._flush()

    def _flush(self) -> None:
        if self._kept:
            data, self._kept = self._kept, b""
            self._transport.write(data)
