"""Cross-origin requests: which pages from elsewhere may read answers, by the Fetch standard.

Only those whose origin the setting `cors.origins` names. Cookies are no keys here, so credentials
are never allowed.
"""

import re
from collections.abc import Collection

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from molt.app.http.failures import HttpFailure
from molt.app.http.headers import RawHeaders, header_of

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_EXPOSED = (
    b"ETag, Content-Disposition, Location, Retry-After, X-Request-ID, X-Truncated, X-Molt-Documents"
)
_REMEMBERED_SECONDS = "600"
_NAMES = re.compile(rb"[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*", re.ASCII)
_VARY = (b"vary", b"Origin")
_PREFLIGHT_VARY = (
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers, "
    "Access-Control-Request-Private-Network"
)
_PRIVATE = "access-control-{}-private-network"


class CrossOrigin:
    """What is answered to pages of other origins."""

    refusal = HttpFailure(
        403,
        "forbidden",
        "pages of this origin may not ask; the setting cors.origins names those that may",
    )

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = frozenset(origin.encode("ascii") for origin in origins)

    @property
    def is_off(self) -> bool:
        """May no page of another origin ask?"""
        return not self._origins

    def answer_headers(self, headers: RawHeaders) -> list[tuple[bytes, bytes]]:
        """What every answer to a request with these headers has besides its own."""
        if self.is_off:
            return []
        origin = header_of(headers, b"origin")
        if origin not in self._origins:
            return [_VARY]
        return [
            _VARY,
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _EXPOSED),
        ]

    def is_preflight(self, scope: Scope) -> bool:
        """Does a browser ask whether a page may ask?"""
        if self.is_off or not header_of(scope["headers"], b"origin"):
            return False
        return bool(header_of(scope["headers"], b"access-control-request-method"))

    def permission(self, headers: RawHeaders) -> Response | None:
        """The answer to a preflight; None where the origin is not named."""
        if header_of(headers, b"origin") not in self._origins:
            return None
        allowed = {
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Max-Age": _REMEMBERED_SECONDS,
            "Vary": _PREFLIGHT_VARY,
        }
        wanted = header_of(headers, b"access-control-request-headers")
        if _NAMES.fullmatch(wanted):
            allowed["Access-Control-Allow-Headers"] = wanted.decode("ascii")
        if header_of(headers, _PRIVATE.format("request").encode()) == b"true":
            allowed[_PRIVATE.format("allow")] = "true"
        return Response(status_code=204, headers=allowed)


class CrossOriginAnswers:
    """ASGI middleware around everything else, so that a page may read errors, too."""

    def __init__(self, app: ASGIApp, *, cross_origin: CrossOrigin) -> None:
        self._app = app
        self._cross_origin = cross_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add to its answer who may read it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        more = self._cross_origin.answer_headers(scope["headers"])

        async def send_with_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *more]
            await send(message)

        await self._app(scope, receive, send_with_more)
