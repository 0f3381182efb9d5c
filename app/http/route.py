"""The route: what every endpoint shares before its own code runs.

A key with the declared role, a query string that is UTF-8, a body that is JSON. Knows no endpoint.
"""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from molt.app.http.admission import OverloadedError
from molt.app.http.auth import Access, access_of
from molt.app.http.bodies import JsonRequest
from molt.app.http.failures import InvalidQueryStringError, StoppingError
from molt.app.service import Service, service_of

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


_ACTOR = "molt.actor"


class Route(APIRoute):
    """An `APIRoute` that is closed unless its endpoint declares a role with `auth.allow`."""

    @property
    def access(self) -> Access:
        """What the endpoint asks for."""
        return access_of(self.endpoint)

    def get_route_handler(self) -> Handler:
        """The framework's handler, behind what every endpoint shares."""
        answer = self._direct() or super().get_route_handler()
        access, has_body = self.access, self.body_field is not None

        async def handle(request: Request) -> Response:
            service = service_of(request)
            request.scope[_ACTOR] = await service.guard.admit(request.headers, access)
            if service.stopping and access is not Access.PUBLIC:
                raise StoppingError
            _check_query_string(request)
            prepared = JsonRequest(request.scope, request.receive)
            if has_body:
                _check_room(service)
                await prepared.load(limit=service.settings.limits.max_body_bytes)
            return await answer(prepared)

        return handle

    def _direct(self) -> Handler | None:
        """For an endpoint that takes a body and nothing else: validate it and call the endpoint.

        The framework's handler would look for parameters that are not there, in a fifth of the
        time that a short request takes.
        """
        wanted, body = self.dependant, self.body_field
        others = (
            wanted.path_params,
            wanted.query_params,
            wanted.header_params,
            wanted.cookie_params,
            wanted.dependencies,
        )
        if body is None or any(others) or wanted.request_param_name != "request":
            return None
        endpoint, name = self.endpoint, wanted.body_params[0].name

        async def answer(request: Request) -> Response:
            content = await request.json() if await request.body() else None
            value, wrong = body.validate(content, loc=("body",))
            if wrong:
                raise RequestValidationError(wrong)
            response: Response = await endpoint(request=request, **{name: value})
            return response

        return answer


def new_router(tag: str) -> APIRouter:
    """A router whose routes are of this kind; `tag` groups them in the OpenAPI document."""
    return APIRouter(route_class=Route, tags=[tag])


def actor_of(request: Request) -> str:
    """Who makes a request: the name of its key, or `auth.ANYONE`."""
    actor: str = request.scope[_ACTOR]
    return actor


def methods_of(request: Request) -> list[str]:
    """Every method that the path of a request takes, whichever route has it."""
    path = request.scope["path"]
    routes = (route for route in request.app.routes if isinstance(route, Route))
    matching = [route.methods or () for route in routes if route.path_regex.match(path)]
    return sorted({method for methods in matching for method in methods})


def _check_room(service: Service) -> None:
    """Refuse before a body is read what would be refused after it."""
    if service.admission.pending >= service.settings.limits.max_pending:
        raise OverloadedError(service.admission.retry_after)


def _check_query_string(request: Request) -> None:
    query: bytes = request.scope["query_string"]
    if query and not (query.isascii() and b"%" not in query):
        try:
            unquote_to_bytes(query).decode()
        except UnicodeDecodeError:
            raise InvalidQueryStringError from None
