"""Load shedding: requests beyond a bulkhead's bound, refused before an application sees them.

The application would refuse them too, and at many times the load that can be borne doing so would
be all that the event loop does. Only of routes without parameters in their paths, which is where
such loads come; of a request that leaves room for doubt the application decides.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

import structlog

from molt.app.http.admission import Admission
from molt.app.http.bodies import SMALL_BYTES
from molt.app.http.connections.connection import Connection, Phase
from molt.app.http.connections.refusals import Headers, Overload, written_overload
from molt.app.http.observation import id_of
from molt.app.http.transport.cors import CrossOrigin

log = structlog.get_logger(__name__)

Endpoints = Mapping[tuple[str, str], Admission]
"""The bulkhead of each method and path."""
SHEDDING = "shedding"
"""What the application's state calls it."""
_TELL_SECONDS = 1.0


class LoadShedding:
    """What to refuse. Used from one event loop.

    A page of another origin that may ask is told of refusals, too. `on_shed` is called with a
    method, a path, its bulkhead and how many such requests were refused.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        cross_origin: CrossOrigin | None = None,
        on_shed: Callable[[str, str, str, int], None] = lambda *_: None,
    ) -> None:
        self.cross_origin = cross_origin or CrossOrigin(())
        self._endpoints = {
            (method.encode("ascii"), path.encode("ascii")): admission
            for (method, path), admission in endpoints.items()
        }
        self._on_shed = on_shed
        self._let_in: Counter[Admission] = Counter()
        self._untold: Counter[tuple[bytes, bytes, str]] = Counter()

    def overload(self, method: bytes, path: bytes) -> Overload | None:
        """What a request finds full whose head has come; None where it is let in."""
        admission = self._endpoints.get((method, path))
        if admission is None:
            return None
        if admission.has_room(besides=self._let_in[admission]):
            self._count_in(admission)
            return None
        self._count(method, path, admission.bulkhead)
        return Overload(admission.bulkhead, admission.retry_after, path.decode("ascii"))

    def _count_in(self, admission: Admission) -> None:
        """Those let in since the loop last ran are not at the bulkhead yet, but will be."""
        if not self._let_in:
            asyncio.get_running_loop().call_soon(self._let_in.clear)
        self._let_in[admission] += 1

    def _count(self, method: bytes, path: bytes, bulkhead: str) -> None:
        """To tell of each as it happens would cost more than the refusal."""
        if not self._untold:
            asyncio.get_running_loop().call_later(_TELL_SECONDS, self._tell)
        self._untold[method, path, bulkhead] += 1

    def _tell(self) -> None:
        bulkheads: Counter[str] = Counter()
        for (method, path, bulkhead), count in self._untold.items():
            self._on_shed(method.decode("ascii"), path.decode("ascii"), bulkhead, count)
            bulkheads[bulkhead] += count
        self._untold.clear()
        log.warning("requests.shed", seconds=_TELL_SECONDS, bulkheads=dict(bulkheads))


class SheddingConnection(Connection):
    """A connection on which requests are shed; it goes on after each."""

    _overload: Overload | None = None
    _head: Headers = ()

    def on_headers_complete(self) -> None:
        """As the parser calls it."""
        self._overload = self._shed() if self._is_plain() else None
        if self._overload is None:
            super().on_headers_complete()
        else:
            self._head = self.headers
            self._enter(Phase.BODY)
            self._expect_trailers()

    def on_body(self, body: bytes) -> None:
        """As the parser calls it; what is refused is not read."""
        if self._overload is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """As the parser calls it; before, a client would not expect an answer.

        Nothing is told to uvicorn, which began nothing: the monitor ends a connection that is idle.
        """
        if self._overload is None:
            super().on_message_complete()
            return
        overload, self._overload = self._overload, None
        shedding: LoadShedding = self.app_state[SHEDDING]
        more = (
            *self.server_state.default_headers,
            *shedding.cross_origin.answer_headers(self._head),
        )
        self.transport.write(written_overload(overload, request_id=id_of(self._head), more=more))
        self._enter(Phase.IDLE)
        self.server_state.total_requests += 1
        if not self.parser.should_keep_alive():
            self.transport.close()

    def _shed(self) -> Overload | None:
        shedding: LoadShedding = self.app_state[SHEDDING]
        return shedding.overload(self.parser.get_method(), self.url.partition(b"?")[0])

    def _is_plain(self) -> bool:
        """Small, in HTTP 1.1, after everything before it was answered, and within its limits."""
        if self._over is not None or self.expect_100_continue or self.parser.should_upgrade():
            return False
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        if self.parser.get_http_version() != "1.1" or self._is_head_too_large():
            return False
        return _is_small(self.headers)


def _is_small(headers: Headers) -> bool:
    """Do these leave the body small?"""
    for name, value in headers:
        if name == b"transfer-encoding":
            return False
        if name == b"content-length" and (len(value) >= 20 or int(value) > SMALL_BYTES):
            return False
    return True
