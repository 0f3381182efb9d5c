"""Auditing: what is written down of requests that administer, however they end.

Those that change something, and every attempt by a key that may not make it. What strangers try
without a key of ours is not: they could fill the log.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request

from molt.app.http.admission import Admission, OverloadedError
from molt.app.http.auth import Access, access_of
from molt.app.http.bodies import parsed_of
from molt.app.http.caller import Caller, caller_of, is_admitted
from molt.app.http.failures import (
    ForbiddenError,
    InvalidKeyError,
    InvalidRequestError,
    StoppingError,
)
from molt.app.http.validation import violations_of
from molt.engine.sections import AuditSettings
from molt.index.catalog.access.audit import AuditedAction, AuditLog, AuditRetention, Outcome
from molt.index.catalog.access.keys import Key
from molt.index.errors import CatalogError

log = structlog.get_logger(__name__)

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., object])

_MOST_REFUSALS = 120
_REFUSALS_SECONDS = 60.0
_UNTRIED = (ForbiddenError, InvalidKeyError, OverloadedError, StoppingError)
"""What ends a request before anything was tried."""
_READING = frozenset(("GET", "HEAD", "OPTIONS"))
_TARGETS = ("collection", "checkpoint", "generation", "name", "id")


def administers(endpoint: _Endpoint) -> _Endpoint:
    """Let calls of an endpoint be written down although it asks for less than administration."""
    endpoint.__molt_audited__ = True  # type: ignore[attr-defined]
    return endpoint


def is_audited(endpoint: Callable[..., object]) -> bool:
    """Does an endpoint administer?"""
    return access_of(endpoint) is Access.ADMIN or hasattr(endpoint, "__molt_audited__")


class Auditor:
    """Writes attempts down; of refused ones so many a minute. Used from one event loop."""

    def __init__(self, audit: AuditLog, *, admission: Admission, settings: AuditSettings) -> None:
        self._audit = audit
        self._admission = admission
        self._retention = AuditRetention(days=settings.days, entries=settings.entries)
        self._refusals = 0
        self._since = 0.0

    async def note(self, request: Request, *, error: Exception | None = None) -> None:
        """Write down how a request ended, if that is to be known. Raises nothing: it has ended."""
        attempt = self._attempt(request, error)
        if attempt is None:
            return
        record = partial(self._audit.record, attempt, retention=self._retention)
        try:
            await self._admission.run(record)
        except (CatalogError, OverloadedError, OSError) as failure:
            log.warning(
                "audit.lost", action=attempt.action, actor=attempt.actor, reason=str(failure)
            )

    def _attempt(self, request: Request, error: Exception | None) -> AuditedAction | None:
        outcome = Outcome.DONE if error is None else Outcome.FAILED
        key = refused_key(error)
        if key is not None and self._has_room():
            outcome = Outcome.REFUSED
        elif isinstance(error, _UNTRIED) or request.method in _READING or not is_admitted(request):
            return None
        else:
            key = caller_of(request).key
        return AuditedAction(
            actor=Caller(key).name,
            action=f"{request.method} {_route_of(request)}",
            target=_target_of(request, parsed_of(request)),
            outcome=outcome,
            detail="" if error is None else _reason(error),
            key_id=None if key is None else key.id,
        )

    def _has_room(self) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._since >= _REFUSALS_SECONDS:
            self._refusals, self._since = 0, now
        self._refusals += 1
        if self._refusals == _MOST_REFUSALS:
            log.warning("audit.crowded", most=_MOST_REFUSALS, seconds=_REFUSALS_SECONDS)
        return self._refusals < _MOST_REFUSALS


def refused_key(error: Exception | None) -> Key | None:
    """The key that was refused, where a request ended so and it is one of ours."""
    return error.key if isinstance(error, ForbiddenError | InvalidKeyError) else None


def _reason(error: Exception) -> str:
    if isinstance(error, RequestValidationError):
        error = InvalidRequestError(violations_of(error.errors()))
    return str(error)


def _route_of(request: Request) -> str:
    return str(getattr(request.scope.get("route"), "path_format", request.url.path))


def _target_of(request: Request, body: Any) -> str:
    """What the request named: the short values of its path, its query and its body."""
    named: dict[str, str] = {}
    sent = body if isinstance(body, dict) else getattr(body, "__dict__", {})
    for source in (sent, request.query_params, request.path_params):
        for field in _TARGETS:
            if isinstance(source.get(field), str):
                named[field] = source[field]
    return ", ".join(f"{field} {value}" for field, value in named.items())
