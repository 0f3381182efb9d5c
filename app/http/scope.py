"""Scope: how an endpoint keeps to the collections that a caller's key is for.

What a request names is looked at before its endpoint is called, and before that an alias of a
collection becomes its own name. Endpoints that tell of several collections ask `caller_of`
themselves. A key of every collection is stopped by nothing here.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.types import Scope

from molt.app.http.caller import Caller, caller_of, remember_caller
from molt.app.http.failures import ForbiddenError

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., object])

Meant = Callable[[str], str]
"""Says which collection a name means."""

_FIELD = "collection"
_DEFAULT = "default"
"""The collection of a request that names none."""


class CollectionPlace(StrEnum):
    """Where a request names its collection."""

    PATH = "path"
    QUERY = "query"
    BODY = "body"


class KeyScope(StrEnum):
    """What an endpoint has to do with collections."""

    CLOSED = "closed"
    """All of them, or unknown: it is closed to keys of some collections."""
    FREE = "free"
    """Nothing: it tells nothing of any."""
    NAMED = "named"
    """The one that the request names, in the one place that `named_in` declares."""
    FILTERED = "filtered"
    """Several: it leaves out by itself what the key is not for."""


def scoped(scope: KeyScope) -> Callable[[_Endpoint], _Endpoint]:
    """Declare what an endpoint has to do with collections."""

    def declare(endpoint: _Endpoint) -> _Endpoint:
        endpoint.__molt_scope__ = scope  # type: ignore[attr-defined]
        return endpoint

    return declare


def named_in(place: CollectionPlace) -> Callable[[_Endpoint], _Endpoint]:
    """Declare that an endpoint concerns the collection named there, or `default` if none is."""

    def declare(endpoint: _Endpoint) -> _Endpoint:
        endpoint.__molt_collection__ = place  # type: ignore[attr-defined]
        return scoped(KeyScope.NAMED)(endpoint)

    return declare


def by_own_name(endpoint: _Endpoint) -> _Endpoint:
    """Let an endpoint take a collection's own name and no alias of it: what it does is final."""
    endpoint.__molt_own_name__ = True  # type: ignore[attr-defined]
    return endpoint


def takes_aliases(endpoint: Callable[..., object]) -> bool:
    """May a request name a collection by an alias?"""
    return not hasattr(endpoint, "__molt_own_name__")


def resolve_names(scope: Scope, meant: Meant) -> None:
    """Put a collection's own name in the place of an alias, in the path and the query string.

    Everything behind it, the check of the key first, sees the own name alone.
    """
    path = scope.get("path_params") or {}
    if _FIELD in path:
        scope["path_params"] = {**path, _FIELD: meant(str(path[_FIELD]))}
    query: bytes = scope["query_string"]
    if _FIELD.encode() in query:
        pairs = QueryParams(query).multi_items()
        renamed = [(key, meant(one) if key == _FIELD else one) for key, one in pairs]
        if renamed != pairs:
            scope["query_string"] = urlencode(renamed).encode()


def resolve_body(body: Any, meant: Meant) -> None:
    """The same in a body, parsed or validated, of an endpoint that looks there."""
    name = body.get(_FIELD) if isinstance(body, dict) else getattr(body, _FIELD, None)
    if not isinstance(name, str) or (own := meant(name)) == name:
        return
    if isinstance(body, dict):
        body[_FIELD] = own
    else:
        setattr(body, _FIELD, own)


def place_of(endpoint: Callable[..., object]) -> CollectionPlace | None:
    """Where the requests of a `named` endpoint name their collection."""
    place: CollectionPlace | None = getattr(endpoint, "__molt_collection__", None)
    return place


def key_scope_of(endpoint: Callable[..., object]) -> KeyScope:
    """What an endpoint declared."""
    scope: KeyScope = getattr(endpoint, "__molt_scope__", KeyScope.CLOSED)
    return scope


def check_scope(caller: Caller, scope: KeyScope) -> None:
    """Raise `ForbiddenError` where an endpoint is closed to the caller's key."""
    if scope is KeyScope.CLOSED and caller.reach.limited:
        raise ForbiddenError(
            "this route concerns all collections, and the key is for some alone; use a key that "
            "was made without --collection",
            key=caller.key,
        )


def check_named(request: Request, body: Any, *, place: CollectionPlace) -> None:
    """Raise `ForbiddenError` unless the collection that a request names is the key's.

    It is looked for in the one place where the endpoint does: elsewhere a name means nothing. The
    error says the same of a collection that is there and of one that is not.
    """
    if caller_of(request).reach.limited:
        require_covered(request, *(_named(request, body, place) or [_DEFAULT]))


def require_covered(request: Request, *names: str | None) -> Caller:
    """As `covered`, and the caller of the request is remembered by that key."""
    caller = covered(caller_of(request), *names)
    remember_caller(request, caller)
    return caller


def covered(caller: Caller, *names: str | None) -> Caller:
    """The caller by a key that is for the collections that are named.

    Raises `ForbiddenError` where none that came with the request is.
    """
    named = [name for name in names if name is not None]
    caller = caller.concerned_with(named)
    for name in named:
        if not caller.reach.covers(name):
            raise ForbiddenError(
                f"this key is for the collections {caller.reach} and not for {name[:80]!r}",
                key=caller.key,
            )
    return caller


def _named(request: Request, body: Any, place: CollectionPlace) -> list[str]:
    if place is CollectionPlace.PATH:
        return [str(request.path_params[_FIELD])]
    if place is CollectionPlace.QUERY:
        return request.query_params.getlist(_FIELD)
    value = body.get(_FIELD) if isinstance(body, dict) else getattr(body, _FIELD, None)
    return [] if value is None else [str(value)]
