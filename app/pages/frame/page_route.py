"""The route of a page: a session stands for a key, and what changes something brings its token.

A form is read here, before its endpoint is called, so no page can forget to look at the token.
"""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import APIRouter
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from molt.app.http.bodies import JsonRequest, media_type, parsed_of
from molt.app.http.caller import secrets_of
from molt.app.http.failures import ForbiddenError, InvalidRequestError, MediaTypeError, Violation
from molt.app.http.route import Handler, Route, content_of, session_of
from molt.app.http.validation import violations_of
from molt.app.service import service_of

_Form = TypeVar("_Form", bound=BaseModel)

FORM = "application/x-www-form-urlencoded"
FORM_HEADER = "x-molt-token"
FORM_FIELD = "token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_FIELDS = 1000


class PageRoute(Route):
    """A `Route` for people."""

    @property
    def by_session(self) -> bool:
        """Always."""
        return True

    def endpoint_handler(self) -> Handler:
        """What calls the endpoint, once a form has been read and is known to be ours."""
        answer = super().endpoint_handler()

        async def checked(request: Request) -> Response:
            if request.method not in _SAFE:
                await _check(request)
            return await answer(request)

        return checked


def new_page_router() -> APIRouter:
    """A router of pages, which are no part of the API that is described to machines."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)


def form_of(request: Request, model: type[_Form]) -> _Form:
    """What a form says; what is left empty is left out. Raises `InvalidRequestError`."""
    fields: Mapping[str, str] = parsed_of(request) or {}
    said = {name: one for name, one in fields.items() if name != FORM_FIELD and one != ""}
    try:
        return model.model_validate(said)
    except ValidationError as error:
        found: list[dict[str, Any]] = [dict(one) for one in error.errors(include_url=False)]
        for one in found:
            one["loc"] = ("form", *one["loc"])
        raise InvalidRequestError(violations_of(found)) from None


async def _check(request: Request) -> None:
    """Raise `ForbiddenError` unless the request comes from a page of ours, or brings a key itself.

    No browser adds a key to a header for a page of another origin.
    """
    if media_type(request) == FORM and isinstance(request, JsonRequest):
        content = await content_of(request)
        request.hold(content, _fields(content))
    if secrets_of(request.headers):
        return
    sent = request.headers.get(FORM_HEADER) or _token_in(parsed_of(request))
    foreign = request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
    if foreign or not service_of(request).sessions.is_form_token(sent, session_of(request)):
        raise ForbiddenError(
            "this does not come from a page of this server, or that page is too old; open the page "
            "again and repeat what you did"
        )


def require_form(request: Request) -> None:
    """Raise `MediaTypeError` unless the body is a form."""
    found = media_type(request)
    if found != FORM:
        raise MediaTypeError(found=found, expected=FORM)


def _token_in(fields: Mapping[str, str] | None) -> str:
    return (fields or {}).get(FORM_FIELD, "")


def _fields(content: bytes) -> dict[str, str]:
    """Every field; of one that comes twice the last. Raises `InvalidRequestError` for no form."""
    try:
        pairs = parse_qsl(
            content.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:  # of encodings too
        wrong = f"is no form in UTF-8 with at most {_MOST_FIELDS} fields"
        raise InvalidRequestError([Violation(wrong, "body")]) from None
    return dict(pairs)
