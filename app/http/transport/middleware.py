"""The middleware between observation and routes: targets, answers, and who may read them."""

from starlette.types import ASGIApp, Receive, Scope, Send

from molt.app.http.admission import Admission
from molt.app.http.envelopes import write_failure
from molt.app.http.observation import request_id_of
from molt.app.http.transport.cors import CrossOrigin
from molt.app.http.transport.packing import Answering
from molt.app.http.transport.target import Targets


class Transport:
    """ASGI middleware around the routes. `threads` pack what is large."""

    def __init__(
        self, app: ASGIApp, *, targets: Targets, threads: Admission, cross_origin: CrossOrigin
    ) -> None:
        self._app = app
        self._targets = targets
        self._threads = threads
        self._cross_origin = cross_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as routes know it, and its answer as its client wants it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._targets.settle(scope)
        answering = Answering(scope, send, threads=self._threads)
        if scope["method"] == "HEAD":
            await self._ask_as_get(scope, receive, answering.send)
        elif scope["method"] == "OPTIONS" and self._cross_origin.is_preflight(scope):
            await self._answer_preflight(scope, receive, send)
        else:
            await self._app(scope, receive, answering.send)

    async def _ask_as_get(self, scope: Scope, receive: Receive, send: Send) -> None:
        """HEAD is answered wherever GET is."""
        asked = dict(scope) | {"method": "GET"}
        try:
            await self._app(asked, receive, send)
        finally:
            scope["route"] = asked.get("route")  # for whoever observes the request

    async def _answer_preflight(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Before anybody asks for a key: browsers send none with it."""
        response = self._cross_origin.permission(scope["headers"])
        if response is None:
            response = write_failure(
                self._cross_origin.refusal,
                path=scope["path"],
                request_id=request_id_of(scope),
            )
        await response(scope, receive, send)
