"""`/login` and `/logout`: a person gives a key once, and has a session from then on."""

from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from molt.app.http.auth import Access, allow
from molt.app.http.failures import ForbiddenError, InvalidKeyError
from molt.app.http.route import admit_caller
from molt.app.http.scope import KeyScope, scoped
from molt.app.pages.frame.failures import local_path
from molt.app.pages.frame.page_route import form_of, new_page_router, require_form
from molt.app.pages.frame.rendering import viewer_of, write_page
from molt.app.service import service_of
from molt.app.sessions import SESSION_COOKIE

router = new_page_router()

MAX_KEY_CHARS = 200


class LoginForm(BaseModel):
    """A key, and where its person wanted to go."""

    key: str = Field(default="", max_length=MAX_KEY_CHARS)
    then: str = Field(default="/", max_length=8192)


@router.get("/login")
@allow(Access.PUBLIC)
@scoped(KeyScope.FREE)
async def get_login(
    request: Request, then: Annotated[str, Query(max_length=8192)] = "/"
) -> Response:
    """Ask for a key, where one is needed and there is no session yet."""
    try:
        await admit_caller(request, Access.READ)
    except (InvalidKeyError, ForbiddenError):
        return _asking(request, then)
    return RedirectResponse(local_path(then), 303)


@router.post("/login")
@allow(Access.PUBLIC)
@scoped(KeyScope.FREE)
async def post_login(request: Request) -> Response:
    """Begin a session with a key that is good."""
    require_form(request)
    form, service = form_of(request, LoginForm), service_of(request)
    address = request.client.host if request.client else ""
    try:
        session = await service.guard.session_of(form.key.strip(), address=address)
    except InvalidKeyError as error:
        return _asking(request, form.then, problem=str(error))
    response = RedirectResponse(local_path(form.then), 303)
    response.set_cookie(
        SESSION_COOKIE,
        session,
        max_age=int(service.sessions.seconds),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/logout")
@allow(Access.PUBLIC)
@scoped(KeyScope.FREE)
async def post_logout(request: Request) -> Response:
    """End the session, whoever else has a copy of its cookie."""
    session = request.cookies.get(SESSION_COOKIE, "")
    if session:
        await service_of(request).guard.end_session(session)
    response = RedirectResponse("/login" if session else "/", 303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict")
    return response


def _asking(request: Request, then: str, *, problem: str = "") -> Response:
    context = {"then": local_path(then), "problem": problem}
    status = 401 if problem else 200
    return write_page(viewer_of(request), "login.html", context, status=status)
