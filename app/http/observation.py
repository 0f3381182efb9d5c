"""Observation: every request gets an id, one log line, its place in the metrics, and a span.

The outermost thing that is ours: what nobody else caught ends here, as a 500 that is logged, and
what a shutdown gives up as a 503.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterable
from secrets import token_hex
from typing import Any

import structlog
from opentelemetry.trace import Span, StatusCode
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from molt.app.http.envelopes import write_failure
from molt.app.http.failures import STOPPING, WHEN_STOPPING, HttpFailure
from molt.app.metrics import Metrics
from molt.artifact.tracing import entry, is_tracing

log = structlog.get_logger(__name__)

Tell = Callable[[Request, HttpFailure], Response]
"""How whoever asked is told of a failure: a program in its envelope, a person on a page."""
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_ID_DIGITS, _DRAWN_IDS = 32, 256
_UNUSED_IDS: list[str] = []
_TRACED_BY = (b"traceparent", b"tracestate")
_PROBES = frozenset({"/livez", "/readyz", "/health", "/metrics"})
"""What asks for these asks every few seconds, and nobody looks for the trace of it."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
INTERNAL = HttpFailure(
    500, "internal_error", "Molt failed; the log says why, under the request id of this answer"
)
_GIVEN_UP = HttpFailure(503, "stopping", STOPPING, headers=WHEN_STOPPING)


class Observation:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, tell: Tell) -> None:
        self._app = app
        self._metrics = metrics
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and record what became of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif not is_tracing() or scope["path"] in _PROBES:
            await self._observe(scope, receive, send)
        else:
            with entry("request", _carried_by(scope["headers"]), kind="server") as span:
                await self._observe(scope, receive, send, span=span)

    async def _observe(
        self, scope: Scope, receive: Receive, send: Send, *, span: Span | None = None
    ) -> None:
        exchange = _Exchange(scope, send)
        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, exchange.send)
        except asyncio.CancelledError:  # by the server alone, at the end of its patience
            if exchange.status:
                raise
            await exchange.fail(self._told(_GIVEN_UP, scope), receive)
        except Exception:
            log.exception("request.failed", request_id=exchange.request_id, path=scope["path"])
            if not exchange.status:
                await exchange.fail(self._told(INTERNAL, scope), receive)
        finally:
            self._metrics.in_flight.dec()
            self._record(scope, exchange, span)

    def _told(self, failure: HttpFailure, scope: Scope) -> Response:
        """As all failures are told, and plainly where that fails, too."""
        try:
            return self._tell(Request(scope), failure)
        except Exception:
            request_id = request_id_of(scope)
            log.exception("request.failed", request_id=request_id, path=scope["path"])
            return write_failure(failure, path=scope["path"], request_id=request_id)

    def _record(self, scope: Scope, exchange: "_Exchange", span: Span | None) -> None:
        seconds = time.perf_counter() - exchange.started
        route = route_of(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        status = exchange.status or 499  # the client went away before it was answered
        self._metrics.answered(route=route, method=method, status=status, seconds=seconds)
        log.info(
            "request",
            request_id=exchange.request_id,
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
        )
        if span is not None:
            _describe(span, method=method, route=route, status=status)
            span.set_attribute("molt.request_id", exchange.request_id)


class _Exchange:
    """One request and what became of it; `status` is 0 until the answer begins."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self.started = time.perf_counter()
        self.status = 0
        self.request_id = scope["molt.request_id"] = id_of(scope["headers"])
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            header = (b"x-request-id", self.request_id.encode())
            message["headers"] = [*message.get("headers", ()), header]
        await self._send(message)

    async def fail(self, response: Response, receive: Receive) -> None:
        """Answer with a failure, where nothing has been answered."""
        await response(self._scope, receive, self.send)


def _carried_by(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The trace that a request is part of, as it came."""
    return {name.decode(): value.decode("latin-1") for name, value in headers if name in _TRACED_BY}


def _describe(span: Span, *, method: str, route: str, status: int) -> None:
    """Name a span and its attributes as OpenTelemetry's conventions for HTTP do."""
    span.update_name(f"{method} {route}")
    span.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        }
    )
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def request_id_of(scope: Scope) -> str:
    """The id of a request, as `X-Request-ID` told it or as it was made here."""
    request_id: str = scope.get("molt.request_id", "unknown")
    return request_id


def route_of(scope: Scope) -> str:
    """The path of the route that answers, with its parameters' names in place of values."""
    route: Any = scope.get("route")
    return getattr(route, "path_format", "unmatched")


def id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The id that a request brings in `X-Request-ID` where it may be taken, or a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return value.decode()
    return _new_id()


def _new_id() -> str:
    """32 hex digits. The system is asked for many at once, since each time takes long."""
    if not _UNUSED_IDS:
        drawn = token_hex(_ID_DIGITS // 2 * _DRAWN_IDS)
        _UNUSED_IDS.extend(drawn[at : at + _ID_DIGITS] for at in range(0, len(drawn), _ID_DIGITS))
    return _UNUSED_IDS.pop()
