"""Rendering: a template and what it shows, written as a page or as a part of one.

Texts are escaped wherever they stand; no template holds a script or a style.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from molt import __version__
from molt.app.http.answers import page_headers
from molt.app.http.auth import Access
from molt.app.http.caller import Caller, caller_of, is_admitted
from molt.app.http.route import Route, session_of
from molt.app.pages.frame.assets import assets
from molt.app.service import service_of
from molt.index.catalog.access.keys import Role


@dataclass(frozen=True)
class Room:
    """A page that every page leads to, for whoever has the role."""

    path: str
    title: str
    role: str


POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = page_headers(POLICY) | {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "HX-Request, HX-Target, Cookie",
}
ROOMS = (
    Room("/", "Search", "read"),
    Room("/compare", "Compare", "read"),
    Room("/judge", "Judge", "write"),
    Room("/console", "Console", "admin"),
)
"""What pages lead to."""
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True)
class Viewer:
    """Who looks at a page, and what it may offer them; `token` comes back with its forms.

    Nobody has a `name` before they have given a key, and everybody may do everything where none is
    asked for.
    """

    name: str
    role: Role | None
    token: str
    known: bool

    def may(self, role: str) -> bool:
        """Would a route of this role let them pass?"""
        return self.known and (self.role is None or self.role >= Role(role))


def viewer_of(request: Request) -> Viewer:
    """Whoever a request comes from."""
    route = request.scope.get("route")
    known = is_admitted(request) and isinstance(route, Route) and route.access is not Access.PUBLIC
    caller = caller_of(request) if known else Caller()
    token = service_of(request).sessions.form_token(session_of(request))
    return Viewer(caller.name, caller.key.role if caller.key else None, token, known=known)


def write_page(
    viewer: Viewer,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """A page, or a part of one, as the answer to a request. May be called in any thread."""
    shown = _environment().get_template(template).render(context or {}, viewer=viewer)
    return HTMLResponse(shown, status, headers=_HEADERS | dict(headers or {}))


def is_partial(request: Request, target: str) -> bool:
    """Does the page that is open ask for its element of this id anew?"""
    return request.headers.get("hx-target") == target


@cache
def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("molt.app.pages.frame"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "short": _short,
        "thousands": _thousands,
        "moment": _moment,
        "size": _size,
        "score": _score,
        "said": _said,
        "json": lambda value: orjson.dumps(value).decode(),
    }
    found.globals |= {
        "asset": lambda name: assets()[name].path,
        "rooms": ROOMS,
        "version": __version__,
    }
    return found


def _short(name: str | None) -> str:
    """An id as people tell it from others."""
    return "none" if name is None else name[:8]


def _thousands(number: int) -> str:
    return f"{number:,}"


def _moment(at: datetime | None) -> str:
    """To the minute, in UTC."""
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _size(count: float) -> str:
    unit = 0
    while count >= 1024 and unit < len(_UNITS) - 1:
        count, unit = count / 1024, unit + 1
    return f"{count:.0f} {_UNITS[unit]}" if unit == 0 else f"{count:.1f} {_UNITS[unit]}"


def _said(value: object) -> str:
    """A value of a job or its result, nested or not, as people read it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(_said, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str("none" if value is None else value)


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
