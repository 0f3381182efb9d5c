"""Auth: which role a route asks for, and whether the caller has it.

With no key in the catalog everything is open, provided that only this machine can connect, and that
it asks for this machine: a page in its browser may have given our address to a name of its own (DNS
rebinding). From the first key on, and for good, every route that is not public asks for one.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from starlette.datastructures import Headers

from molt.app.binding import is_loopback
from molt.app.http.admission import Admission, OverloadedError
from molt.app.http.failures import ForbiddenError, InvalidKeyError
from molt.index.catalog.keys import Keys, Role
from molt.index.errors import CatalogError

REMEMBERED_SECONDS = 2.0
_MAX_REMEMBERED = 1024
_SOON_SECONDS = 0.5

Endpoint = TypeVar("Endpoint", bound=Callable[..., object])


class Access(StrEnum):
    """What a route asks for. A route that declares nothing is closed to everybody."""

    CLOSED = "closed"
    PUBLIC = "public"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


def allow(access: Access) -> Callable[[Endpoint], Endpoint]:
    """Declare what an endpoint asks for."""

    def declare(endpoint: Endpoint) -> Endpoint:
        endpoint.__molt_access__ = access  # type: ignore[attr-defined]
        return endpoint

    return declare


def access_of(endpoint: Callable[..., object]) -> Access:
    """What an endpoint declared."""
    access: Access = getattr(endpoint, "__molt_access__", Access.CLOSED)
    return access


ANYONE = "local"
"""Who calls while no key is asked for."""


@dataclass(frozen=True)
class _Caller:
    name: str
    role: Role
    until: float


class Guard:
    """Checks keys. A verified key is remembered for two seconds, so a revoked one ends soon."""

    def __init__(
        self,
        keys: Keys,
        *,
        admission: Admission,
        reachable: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._admission = admission
        self._clock = clock
        self._remembered: dict[str, _Caller] = {}
        self._locked = reachable
        self._locked_until = 0.0

    async def admit(self, headers: Headers, access: Access) -> str:
        """Let a request pass and say who makes it; or raise `InvalidKeyError`, `ForbiddenError`."""
        if access is Access.PUBLIC:
            return ANYONE
        if access is Access.CLOSED:
            raise ForbiddenError("this route declares no role, so it is closed")
        if not await self._is_locked():
            _require_local(headers)
            return ANYONE
        return await self._checked(_secret(headers), Role(access.value))

    async def knows(self, headers: Headers) -> bool:
        """May the caller of a public route be told more than strangers? Answers soon.

        With any valid key, or where no key is asked for.
        """
        try:
            async with asyncio.timeout(_SOON_SECONDS):
                if not await self._is_locked():
                    return True
                secret = _secret(headers)
                return secret is not None and await self._caller(secret) is not None
        except (TimeoutError, OverloadedError, CatalogError):
            return False

    async def _is_locked(self) -> bool:
        now = self._clock()
        if not self._locked and now >= self._locked_until:
            self._locked = bool(await self._admission.run(self._keys.list))
            self._locked_until = now + REMEMBERED_SECONDS
        return self._locked

    async def _checked(self, secret: str | None, needed: Role) -> str:
        if secret is None:
            raise InvalidKeyError(
                "a key is needed: send `Authorization: Bearer molt_…` or `api-key: molt_…`"
            )
        caller = await self._caller(secret)
        if caller is None:
            raise InvalidKeyError("this key is unknown or revoked; `molt keys list` shows them")
        if caller.role < needed:
            raise ForbiddenError(f"this route needs the role {needed}; the key has {caller.role}")
        return caller.name

    async def _caller(self, secret: str) -> _Caller | None:
        now = self._clock()
        remembered = self._remembered.get(secret)
        if remembered is not None and now < remembered.until:
            return remembered
        key = await self._admission.run(self._keys.verify, secret)
        if key is None:
            self._remembered.pop(secret, None)
            return None
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        caller = _Caller(key.name, key.role, now + REMEMBERED_SECONDS)
        self._remembered[secret] = caller
        return caller


def _require_local(headers: Headers) -> None:
    host = headers.get("host", "localhost")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if not is_loopback(name):
        raise ForbiddenError(
            f"without any key only this machine is served, not {host[:255]!r}; make a key with "
            "`molt keys create`, or have the proxy in front ask for localhost"
        )


def _secret(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return headers.get("api-key")
