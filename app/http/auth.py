"""Auth: which role a route asks for, and whether the caller has it.

With no key in the catalog everything is open, provided that only this machine can connect, and that
it asks for this machine: a page in its browser may have given our address to a name of its own (DNS
rebinding). From the first key on, and for good, every route that is not public asks for one.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

import structlog
from starlette.datastructures import Headers

from molt.app.binding import is_loopback
from molt.app.http.admission import Admission, OverloadedError
from molt.app.http.caller import Caller, secrets_of
from molt.app.http.failures import ForbiddenError, InvalidKeyError
from molt.app.sessions import Sessions
from molt.index.catalog.access.keys import Key, Keys, Role, digest_of
from molt.index.errors import CatalogError

log = structlog.get_logger(__name__)

REMEMBERED_SECONDS = 2.0
NOTED_SECONDS = 300.0
"""How exactly it is known when a key was last used."""
_LOOK_SECONDS = 0.01
_SOON_SECONDS = 0.5
_CROWD = 16
_CROWD_WAITS = 1.0

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


def challenge_of(method: str, headers: Headers) -> str:
    """How to ask for a key: of a browser that opens a page so that it asks the person for one."""
    opens = method == "GET" and "text/html" in headers.get("accept", "")
    return 'Basic realm="Molt", charset="UTF-8"' if opens else "Bearer"


def by_session(endpoint: Endpoint) -> Endpoint:
    """Let a session stand for a key here, as it does on every page: what is read is shown there."""
    endpoint.__molt_by_session__ = True  # type: ignore[attr-defined]
    return endpoint


def is_by_session(endpoint: Callable[..., object]) -> bool:
    """Was it declared so?"""
    return hasattr(endpoint, "__molt_by_session__")


def access_of(endpoint: Callable[..., object]) -> Access:
    """What an endpoint declared."""
    access: Access = getattr(endpoint, "__molt_access__", Access.CLOSED)
    return access


class Guard:
    """Checks keys against those in use, which are read anew every two seconds.

    A revoked one ends that soon, one that expires at its moment, and a new one opens at once: a key
    that is not among them is looked for again. However many wrong ones are tried, no request with a
    right one waits for them.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        admission: Admission,
        reachable: bool,
        sessions: Sessions | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._admission = admission
        self._sessions = sessions
        self._clock = clock
        self._in_use: Mapping[bytes, Key] = {}
        self._read_at = -math.inf
        self._reading = asyncio.Lock()
        self._unknown: Counter[str] = Counter()
        self._used: dict[int, float] = {}
        self._noting: set[asyncio.Task[None]] = set()
        self._locked = reachable
        self._locked_until = 0.0

    async def admit(
        self, headers: Headers, access: Access, *, address: str = "", session: str = ""
    ) -> Caller:
        """Let a request pass and say who makes it; or raise `InvalidKeyError`, `ForbiddenError`.

        `address` is where it comes from. A `session` counts where no key is sent.
        """
        if access is Access.PUBLIC:
            return Caller()
        if access is Access.CLOSED:
            raise ForbiddenError("this route declares no role, so it is closed")
        if not await self.is_locked():
            _require_local(headers)
            return Caller()
        secrets, needed = secrets_of(headers), Role(access.value)
        if session and not secrets:
            return self._vetted(await self._behind(session), needed)
        return await self._checked(secrets, needed, address)

    async def session_of(self, secret: str, *, address: str = "") -> str:
        """A session of the person who gives a key; raises as `admit` does where it is none."""
        caller = await self._checked(frozenset({secret}), Role.READ, address)
        if self._sessions is None or caller.key is None:
            raise InvalidKeyError("there are no sessions here")
        return self._sessions.issue(caller.key, digest_of(secret))

    async def end_session(self, session: str) -> None:
        """End a session for good; what is none stays none. Raises `OverloadedError`, `OSError`."""
        try:
            await self._behind(session)
        except InvalidKeyError:
            return
        if self._sessions is not None:
            await self._admission.run(self._sessions.end, session)

    async def knows(self, headers: Headers) -> bool:
        """May the caller of a public route be told more than strangers? Answers soon.

        With any valid key of all collections, or where no key is asked for.
        """
        try:
            async with asyncio.timeout(_SOON_SECONDS):
                if not await self.is_locked():
                    return True
                found = await self._find(secrets_of(headers), Role.READ)
                return any(not key.expired and not key.reach.limited for key in found)
        except (TimeoutError, OverloadedError, CatalogError):
            return False

    async def is_locked(self) -> bool:
        """Is a key asked for? From the first one on, and where others can connect."""
        if self._locked or self._clock() < self._locked_until:
            return self._locked
        async with self._reading:
            now = self._clock()
            if not self._locked and now >= self._locked_until:
                self._locked = bool(await self._admission.run(self._keys.list))
                self._locked_until = now + REMEMBERED_SECONDS
        return self._locked

    async def _checked(self, secrets: frozenset[str], needed: Role, address: str) -> Caller:
        if not secrets:
            raise InvalidKeyError(
                "a key is needed: send `Authorization: Bearer molt_…` or `api-key: molt_…`"
            )
        found = await self._find(secrets, needed, address)
        if not found:
            raise InvalidKeyError("this key is unknown or revoked; `molt keys list` shows them")
        return self._vetted(found, needed)

    def _vetted(self, found: list[Key], needed: Role) -> Caller:
        """Whoever sends these keys, the best of which comes first."""
        key, *others = found
        if key.expired:
            raise InvalidKeyError(
                f"this key expired on {key.expires_at:%F at %R} UTC; ask for a new one",
                key=key,
            )
        if key.role < needed:
            raise ForbiddenError(
                f"this route needs the role {needed}; the key has {key.role}", key=key
            )
        self._note_use(key)
        return Caller(key, tuple(other for other in others if _suffices(other, needed)))

    async def _behind(self, session: str) -> list[Key]:
        """The key of a session. Raises `InvalidKeyError` where that is over."""
        in_use = await self._read(newer_than=self._clock() - REMEMBERED_SECONDS)
        key = None if self._sessions is None else self._sessions.key_of(session, in_use)
        if key is None:
            raise InvalidKeyError("the session is over; log in again with a key")
        return [key]

    def _note_use(self, key: Key) -> None:
        """Have it written down that a key is used, now and then; nobody waits for that."""
        now = self._clock()
        if now - self._used.get(key.id, -math.inf) < NOTED_SECONDS:
            return
        self._used[key.id] = now
        noting = asyncio.create_task(self._write_use(key.id))
        self._noting.add(noting)
        noting.add_done_callback(self._noting.discard)

    async def _write_use(self, key_id: int) -> None:
        try:
            await self._admission.run(lambda: self._keys.note_use(key_id))
        except (CatalogError, OverloadedError, OSError) as error:  # another time, then
            log.warning("key.use_not_noted", reason=str(error))

    async def _find(self, secrets: frozenset[str], needed: Role, address: str = "") -> list[Key]:
        """The keys that are sent, what suits best first; a wrong one hides no right one."""
        digests, now = {digest_of(secret) for secret in secrets}, self._clock()
        known = await self._read(newer_than=now - REMEMBERED_SECONDS)
        found = _ranked(digests, known, needed)
        if digests <= known.keys() or (found and _suffices(found[0], needed)):
            return found
        return await self._look_again(digests, needed, address, since=now)

    async def _look_again(
        self, digests: set[bytes], needed: Role, address: str, *, since: float
    ) -> list[Key]:
        """One may be new. Of those who send unknown keys in crowds, each waits for its answer."""
        self._unknown[address] += 1
        try:
            crowded = self._unknown[address] > _CROWD
            found = _ranked(digests, await self._read(newer_than=since), needed)
            if not found and crowded:
                await asyncio.sleep(_CROWD_WAITS)
            return found
        finally:
            self._unknown[address] -= 1
            if not self._unknown[address]:
                del self._unknown[address]

    async def _read(self, *, newer_than: float) -> Mapping[bytes, Key]:
        """The keys in use after a moment: one look for all who ask meanwhile, and not too often."""
        if self._read_at <= newer_than:
            async with self._reading:
                if self._read_at <= newer_than:
                    await asyncio.sleep(self._read_at + _LOOK_SECONDS - self._clock())
                    began = self._clock()
                    self._in_use = await self._admission.run(self._keys.in_use)
                    self._read_at = began
        return self._in_use


def _require_local(headers: Headers) -> None:
    host = headers.get("host", "localhost")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if not is_loopback(name):
        raise ForbiddenError(
            f"without any key only this machine is served, not {host[:255]!r}; make a key with "
            "`molt keys create`, or have the proxy in front ask for localhost"
        )


def _suffices(key: Key, needed: Role) -> bool:
    return not key.expired and key.role >= needed


def _ranked(digests: set[bytes], known: Mapping[bytes, Key], needed: Role) -> list[Key]:
    """One that suffices for all collections goes before one for some, and that before others."""
    found = [known[digest] for digest in digests if digest in known]

    def rank(key: Key) -> tuple[bool, bool, bool, int]:
        return _suffices(key, needed), not key.reach.limited, not key.expired, key.role.rank

    return sorted(found, key=rank, reverse=True)
