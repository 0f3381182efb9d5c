"""A spool: an answer of any size, written to disk as fast as it is made and read as it is taken.

So what it is made from, a transaction, ends soon however slowly the client reads, and memory holds
a piece of it. It lies in a file without a name, which goes with the process.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from molt.app.http.admission import Admission
from molt.app.http.failures import StoppingError

PIECE = 256 * 1024
"""So many bytes are written and read at once."""
_LOOK = 0.5


class Spool:
    """A file that one thread writes and one response reads. `head` are the answer's headers."""

    def __init__(self, folder: Path, *, stopping: Callable[[], bool]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115  closed when both are done with it
        self._stopping = stopping
        self._loop = asyncio.get_running_loop()
        self._grown = asyncio.Event()
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._size = 0
        self._ended = False
        self._error: BaseException | None = None
        self.head: Mapping[str, str] | None = None

    def begin(self, head: Mapping[str, str]) -> None:
        """Say what the headers of the answer are, from the thread that writes."""
        if self.head is None:
            self.head = head
            self._tell()

    def write(self, piece: bytes) -> None:
        """Add to it, from the thread that writes. Raises `StoppingError` where nobody reads."""
        if self._released.is_set() or self._stopping():
            raise StoppingError
        self._file.write(piece)
        self._file.flush()
        self._size += len(piece)
        self._tell()

    def fill(self, make: Callable[["Spool"], None]) -> None:
        """Let `make` write it all, and stay until it has been read; what is raised is the reader's.

        The thread is held as long as the file: where all threads are, there is no room for another.
        """
        try:
            make(self)
        except BaseException as error:  # noqa: BLE001  raised where it is read
            self._error = error
        self._ended = True
        self._tell()
        while not self._released.wait(_LOOK) and not self._stopping():
            continue
        self._close()

    def release(self) -> None:
        """Nobody reads any more."""
        self._released.set()

    async def start(self, admission: Admission, make: Callable[["Spool"], None]) -> None:
        """Have it filled in a thread, and return when its head is known.

        Raises what `make` raised before, and `OverloadedError`.
        """
        self._filling = asyncio.ensure_future(admission.run(self.fill, make))
        self._filling.add_done_callback(self._never_filled)
        while self.head is None and not self._ended:
            await self._wait()
        if self.head is None and self._error is not None:
            self.release()
            raise self._error

    async def closed(self) -> None:
        """Wait until the thread is free again and the file is gone."""
        await asyncio.wait([self._filling])

    async def read(self, at: int) -> bytes:
        """The piece that begins at `at`, waited for while it is written; empty at the end.

        Raises what writing it raised.
        """
        while at >= self._size and not self._ended:
            await self._wait()
        if at >= self._size:
            if self._error is not None:
                raise self._error
            return b""
        return await asyncio.to_thread(self._read, at)

    def _read(self, at: int) -> bytes:
        with self._lock:  # the file is not closed meanwhile
            return b"" if self._file.closed else os.pread(self._file.fileno(), PIECE, at)

    async def _wait(self) -> None:
        await self._grown.wait()
        self._grown.clear()

    def _tell(self) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._grown.set)

    def _never_filled(self, filling: "asyncio.Future[None]") -> None:
        """Refused, or dropped at a shutdown: no thread has taken it, none will close it."""
        if not self._ended:
            self._error = StoppingError() if filling.cancelled() else filling.exception()
            self._ended = True
            self._grown.set()
            self._close()

    def _close(self) -> None:
        with self._lock:
            self._file.close()


class Spooled(Response):
    """The answer that a spool holds, sent as fast as its client takes it."""

    def __init__(self, spool: Spool, *, media_type: str) -> None:
        self.media_type = media_type
        super().__init__(headers=dict(spool.head or {}))
        del self.headers["content-length"]  # not known yet
        self._spool = spool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it piece by piece. Raises what writing it raised, which cuts the answer off."""
        del scope, receive
        try:
            start = {"type": "http.response.start", "status": self.status_code}
            await send(start | {"headers": self.raw_headers})
            at = 0
            while piece := await self._spool.read(at):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                at += len(piece)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._spool.release()
