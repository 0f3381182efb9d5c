"""Failures on pages: where a request for a page goes wrong, a person is told so and what to do.

Who is not logged in is asked for a key first, and led back.
"""

from typing import Any
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from molt.app.http.connections.refusals import UNKNOWN
from molt.app.http.envelopes import title_of
from molt.app.http.failures import HttpFailure
from molt.app.http.observation import request_id_of
from molt.app.pages.frame.page_route import PageRoute
from molt.app.pages.frame.rendering import Viewer, viewer_of, write_page


def is_for_people(request: Request) -> bool:
    """Is a page asked for, or in a browser what is nothing at all?"""
    route = request.scope.get("route")
    if isinstance(route, PageRoute):
        return True
    return route is None and _is_opened(request)


def show_failure(request: Request, failure: HttpFailure) -> Response:
    """The page, or the notice on the page that is open, that tells of a failure."""
    within = "hx-request" in request.headers
    if failure.status == 401 and (within or _is_opened(request)):
        return _to_login(request, within=within)
    context = _context(failure, request_id_of(request.scope))
    template = "notice.html" if within else "failure.html"
    headers = {name: value for name, value in failure.headers.items() if name == "Retry-After"}
    if within:
        headers["HX-Reswap"] = "innerHTML"
    viewer = viewer_of(request)
    return write_page(viewer, template, context, status=failure.status, headers=headers)


def show_refusal(failure: HttpFailure) -> Response:
    """The page for whoever was refused before their request was read."""
    nobody = Viewer("", None, token="", known=False)
    return write_page(nobody, "failure.html", _context(failure, UNKNOWN), status=failure.status)


def _context(failure: HttpFailure, request_id: str) -> dict[str, Any]:
    return {"title": title_of(failure.code), "failure": failure, "request_id": request_id}


def local_path(given: str) -> str:
    """A path of this server, whatever was given; the first page for all that is none."""
    parts = urlsplit(given.replace("\\", "/"))
    clean = given.isprintable() and given.startswith("/") and not given.startswith(("//", "/\\"))
    return given if clean and not parts.netloc and not parts.scheme else "/"


def _is_opened(request: Request) -> bool:
    """Does a browser open it?"""
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _to_login(request: Request, *, within: bool) -> Response:
    opened = request.url
    asked = f"{opened.path}?{opened.query}" if opened.query else opened.path
    if within:
        current = urlsplit(request.headers.get("hx-current-url", "/"))
        asked = f"{current.path}?{current.query}" if current.query else current.path
    login = f"/login?then={quote(local_path(asked), safe='')}"
    if within:
        return Response(status_code=401, headers={"HX-Redirect": login})
    if request.headers.get("sec-fetch-site") == "cross-site":
        # The session is sent to no page that another site led to, but to the one after it.
        return write_page(viewer_of(request), "onward.html", {"to": login})
    return RedirectResponse(login, 303)
