"""The caller: who makes a request, and which collections that concerns."""

from dataclasses import dataclass

from starlette.requests import Request

from molt.index.catalog.access.keys import Key
from molt.index.catalog.access.reach import EVERYTHING, Reach

ANYONE = "local"
"""Who calls while no key is asked for."""
_CALLER = "molt.caller"


@dataclass(frozen=True)
class Caller:
    """Whoever a request comes from; without a key it is somebody at this machine, or a stranger."""

    key: Key | None = None

    @property
    def name(self) -> str:
        """The name of the key, or `ANYONE`."""
        return ANYONE if self.key is None else self.key.name

    @property
    def reach(self) -> Reach:
        """Which collections the caller may know of."""
        return EVERYTHING if self.key is None else self.key.reach


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
