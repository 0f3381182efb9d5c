"""`/console/keys`: who may use the service. A secret is shown once, on the page that made it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from molt.app.http.auth import Access, allow
from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.route import admission_of
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.texts import Id
from molt.app.pages.frame.page_route import form_of, new_page_router, require_form
from molt.app.pages.frame.rendering import viewer_of, write_page
from molt.app.service import service_of
from molt.index.catalog.access.keys import Role
from molt.index.catalog.access.reach import Reach

router = new_page_router()

_MAX_DAYS = 36_500


class KeyForm(BaseModel):
    """A key to be made: for `collections`, names and patterns with commas, or for all."""

    name: Id
    role: Role
    collections: str = Field(default="", max_length=8192)
    days: Annotated[int, Field(ge=1, le=_MAX_DAYS)] | None = None


class RevokeForm(BaseModel):
    """The name of a key."""

    name: Id


@router.get("/console/keys")
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
async def get_console_keys(request: Request) -> Response:
    """Every key, and a form for a new one."""
    return await admission_of(request).run(_page, request)


@router.post("/console/keys")
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
async def post_console_key(request: Request) -> Response:
    """Make a key and show its secret, this once."""
    require_form(request)
    return await admission_of(request).run(_make, request, form_of(request, KeyForm))


@router.post("/console/keys/revoke")
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
async def post_console_revoke(request: Request) -> Response:
    """End the use of a key."""
    require_form(request)
    form, keys = form_of(request, RevokeForm), service_of(request).engine.catalog.keys
    await admission_of(request).run(keys.revoke, form.name)
    return RedirectResponse("/console/keys", 303)


def _make(request: Request, form: KeyForm) -> Response:
    engine = service_of(request).engine
    if form.role is not Role.ADMIN and not engine.catalog.keys.list():
        wrong = "must be admin for the first key: from it on every page asks for one"
        raise InvalidRequestError([Violation(wrong, "form", ("role",))])
    named = [one.strip() for one in form.collections.split(",")]
    ends = None if form.days is None else datetime.now(UTC) + timedelta(days=form.days)
    secret = engine.catalog.keys.create(
        form.name, form.role, expires_at=ends, reach=Reach.of(one for one in named if one)
    )
    return _page(request, made=form.name, secret=secret)


def _page(request: Request, *, made: str = "", secret: str = "") -> Response:
    engine = service_of(request).engine
    context = {
        "here": "/console",
        "tab": "keys",
        "keys": engine.catalog.keys.list()[::-1],
        "made": made,
        "secret": secret,
    }
    return write_page(viewer_of(request), "console_keys.html", context)
