"""The route: what every endpoint shares before its own code runs.

A key with the declared role, a bulkhead, a query string of known parameters, a body that is JSON.
Knows no endpoint.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from molt.app.http.admission import Admission, Bulkhead
from molt.app.http.answers import ANSWERS
from molt.app.http.auditing import is_audited
from molt.app.http.auth import Access, access_of, is_by_session
from molt.app.http.bodies import (
    SMALL_BYTES,
    BodyShare,
    JsonRequest,
    announced_size,
    parse_json,
    parsed_of,
    read_body,
    require_json,
)
from molt.app.http.caller import Caller, caller_of, remember_caller
from molt.app.http.failures import StoppingError
from molt.app.http.interest import run_while_wanted
from molt.app.http.query_string import check_encoding, check_parameters, parameters_of
from molt.app.http.scope import (
    CollectionPlace,
    KeyScope,
    check_named,
    check_scope,
    key_scope_of,
    place_of,
    resolve_body,
    resolve_names,
    takes_aliases,
)
from molt.app.http.transport.unpacking import receive_unpacked
from molt.app.service import Service, service_of
from molt.app.sessions import SESSION_COOKIE

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., object])
_T = TypeVar("_T")

_ADMISSION, _SHARE = "molt.admission", "molt.share"
_BULKHEADS = {Access.WRITE: Bulkhead.WRITES, Access.ADMIN: Bulkhead.ADMINISTRATION}


def within(bulkhead: Bulkhead) -> Callable[[_Endpoint], _Endpoint]:
    """Put an endpoint into another bulkhead than the one that its role implies."""

    def declare(endpoint: _Endpoint) -> _Endpoint:
        endpoint.__molt_bulkhead__ = bulkhead  # type: ignore[attr-defined]
        return endpoint

    return declare


def _audited(handle: Handler) -> Handler:
    """The handler, and a line in the audit log of how it ended."""

    async def handle_audited(request: Request) -> Response:
        auditor = service_of(request).auditor
        try:
            response = await handle(request)
        except Exception as error:
            await auditor.note(request, error=error)
            raise
        await auditor.note(request)
        return response

    return handle_audited


class Route(APIRoute):
    """An `APIRoute` that is closed unless its endpoint declares a role with `auth.allow`."""

    @property
    def access(self) -> Access:
        """What the endpoint asks for."""
        return access_of(self.endpoint)

    @property
    def by_session(self) -> bool:
        """May a session stand for a key?"""
        return is_by_session(self.endpoint)

    @property
    def scope(self) -> KeyScope:
        """How the endpoint keeps to the collections of a key."""
        return key_scope_of(self.endpoint)

    @property
    def place(self) -> CollectionPlace | None:
        """Where a request names its collection, if the endpoint concerns one."""
        return place_of(self.endpoint)

    @property
    def bulkhead(self) -> Bulkhead:
        """Which requests the endpoint's share threads with."""
        implied = _BULKHEADS.get(self.access, Bulkhead.READS)
        declared: Bulkhead = getattr(self.endpoint, "__molt_bulkhead__", implied)
        return declared

    def get_route_handler(self) -> Handler:
        """The framework's handler, behind what every endpoint shares."""
        answer = self.endpoint_handler()
        access, bulkhead, scope, place = self.access, self.bulkhead, self.scope, self.place
        aliases = takes_aliases(self.endpoint)
        parameters = parameters_of(self.dependant)

        async def handle(request: Request) -> Response:
            service = service_of(request)
            check_scope(await admit_caller(request, access), scope)
            if service.stopping and access is not Access.PUBLIC:
                raise StoppingError
            check_encoding(request)
            meant = service.engine.models.collection_of
            if aliases:
                resolve_names(request.scope, meant)
            request.scope[_ADMISSION] = service.bulkheads[bulkhead]
            request.scope[ANSWERS] = service.answers
            # before anything is read that would be refused
            if bulkhead is Bulkhead.READS and access is not Access.PUBLIC:
                service.bulkheads[bulkhead].check_room()
            with service.bodies.share() as share:
                request.scope[_SHARE] = share
                prepared = JsonRequest(request.scope, _received(request, service, share))
                await self._load(prepared)
                if place is CollectionPlace.BODY:
                    resolve_body(parsed_of(prepared), meant)
                if place is not None:
                    check_named(prepared, parsed_of(prepared), place=place)
                if access is not Access.PUBLIC:
                    check_parameters(request, parameters)
                return await answer(prepared)

        return _audited(handle) if is_audited(self.endpoint) else handle

    def endpoint_handler(self) -> Handler:
        """What calls the endpoint, with what it takes."""
        return self._direct() or super().get_route_handler()

    async def _load(self, request: JsonRequest) -> None:
        """Read and parse the body, where there is one; an empty one stays empty.

        A large one is validated too: what is valid passes the framework's validation as it is.
        """
        field = self.body_field
        if field is None:
            return
        content = await content_of(request)
        if not content:
            request.hold(content, None)
            return
        require_json(request)

        def read() -> Any:
            value = parse_json(content)
            if len(content) <= SMALL_BYTES:
                return value
            valid, wrong = field.validate(value, loc=("body",))
            if wrong:
                raise RequestValidationError(wrong, body=value)
            return valid

        request.hold(content, await where_it_fits(request, content, read))

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
                raise RequestValidationError(wrong, body=content)
            response: Response = await endpoint(request=request, **{name: value})
            return response

        return answer


async def admit_caller(request: Request, access: Access) -> Caller:
    """Whoever makes a request, by the key or the session that it brings; remembered.

    Raises `InvalidKeyError` and `ForbiddenError`.
    """
    session = session_of(request)
    address = request.client.host if request.client else ""
    guard = service_of(request).guard
    caller = await guard.admit(request.headers, access, address=address, session=session)
    remember_caller(request, caller)
    return caller


def session_of(request: Request) -> str:
    """The session that a request brings to a route that takes one; else empty."""
    route = request.scope.get("route")
    takes = isinstance(route, Route) and route.by_session
    return request.cookies.get(SESSION_COOKIE, "") if takes else ""


def new_router(tag: str) -> APIRouter:
    """A router whose routes are of this kind; `tag` groups them in the OpenAPI document."""
    return APIRouter(route_class=Route, tags=[tag])


def actor_of(request: Request) -> str:
    """Who makes a request, by name."""
    return caller_of(request).name


def admission_of(request: Request) -> Admission:
    """The threads that a request may block."""
    admission: Admission = request.scope[_ADMISSION]
    return admission


def _received(request: Request, service: Service, share: BodyShare) -> Receive:
    if request.method == "GET":
        return request.receive
    reading = service.bulkheads[Bulkhead.BODIES]
    return receive_unpacked(request, limits=service.settings.limits, share=share, threads=reading)


def share_of(request: Request) -> BodyShare:
    """What the body of a request holds."""
    share: BodyShare = request.scope[_SHARE]
    return share


async def content_of(request: Request) -> bytes:
    """The whole body within the limits; refused before it is read where it would be after it."""
    if announced_size(request) > SMALL_BYTES:
        admission_of(request).check_room()
        _reading_of(request).check_room()
    limit = service_of(request).settings.limits.max_body_bytes
    return await read_body(request, limit=limit, share=share_of(request))


async def where_it_fits(request: Request, content: bytes, read: Callable[[], _T]) -> _T:
    """What `read` makes of a body: here where it is small, else in the thread for large ones.

    That reads it in steps, and pauses after each while searches come.

    Raises `AbandonedError` where the client of a large one goes away.
    """
    if len(content) <= SMALL_BYTES:
        return read()
    throttle = service_of(request).engine.throttle

    def throttled() -> _T:
        with throttle.steps():
            return read()

    return await run_while_wanted(request, throttled, admission=_reading_of(request))


def _reading_of(request: Request) -> Admission:
    return service_of(request).bulkheads[Bulkhead.BODIES]


def methods_of(request: Request) -> list[str]:
    """Every method that the path of a request takes, whichever route has it."""
    path = request.scope["path"]
    routes = (route for route in request.app.routes if isinstance(route, Route))
    matching = [route.methods or () for route in routes if route.path_regex.match(path)]
    found = {method for methods in matching for method in methods}
    return sorted(found | ({"HEAD"} if "GET" in found else set()))
