"""The caller: who makes a request, and which collections that concerns."""

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from starlette.datastructures import Headers
from starlette.requests import Request

from molt.index.catalog.access.keys import Key
from molt.index.catalog.access.reach import EVERYTHING, Reach

ANYONE = "local"
"""Who calls while no key is asked for."""
_CALLER = "molt.caller"
_KEY_HEADERS = ("api-key", "x-api-key")


@dataclass(frozen=True)
class Caller:
    """Whoever a request comes from; without a key it is somebody at this machine, or a stranger."""

    key: Key | None = None
    others: tuple[Key, ...] = ()
    """Further keys that came with the request and would do for its route."""

    @property
    def name(self) -> str:
        """The name of the key, or `ANYONE`."""
        return ANYONE if self.key is None else self.key.name

    @property
    def reach(self) -> Reach:
        """Which collections the caller may know of."""
        return EVERYTHING if self.key is None else self.key.reach

    def concerned_with(self, collections: Iterable[str]) -> Self:
        """The caller by a key that is for all of these, if one that came with the request is."""
        wanted = tuple(collections)
        for key in (self.key, *self.others):
            if key is not None and all(map(key.reach.covers, wanted)):
                return replace(self, key=key)
        return self


def remember_caller(request: Request, caller: Caller) -> None:
    """Let whatever serves a request ask who makes it."""
    request.scope[_CALLER] = caller


def caller_of(request: Request) -> Caller:
    """Who makes a request."""
    caller: Caller = request.scope[_CALLER]
    return caller


def is_admitted(request: Request) -> bool:
    """Is it known who makes a request? Not where keys could not be read."""
    return _CALLER in request.scope


def secrets_of(headers: Headers) -> frozenset[str]:
    """The keys that are sent, one for each way of sending one."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    sent = [token.strip() if scheme.lower() == "bearer" else ""]
    sent += [headers.get(name, "") for name in _KEY_HEADERS]
    sent.append(_password(headers) if scheme.lower() == "basic" else "")
    return frozenset(secret for secret in sent if secret)


def _password(headers: Headers) -> str:
    """What a person gave their browser for a password (RFC 7617), under whatever user name.

    A browser sends it with whatever a page of another origin has it ask for; there it is nothing.
    """
    if "origin" in headers and headers.get("sec-fetch-site") != "same-origin":
        return ""
    encoded = headers.get("authorization", "").partition(" ")[2].strip()
    try:
        return b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
