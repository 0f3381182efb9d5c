"""`GET /admin/audit`: who administered what, when, and how it ended."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.route import admission_of, new_router
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.texts import Name
from molt.app.routes.audit.schemas import AuditPage
from molt.app.service import service_of
from molt.index.catalog.access.audit import (
    AuditEntry,
    AuditFilter,
    AuditLog,
    Outcome,
    describe_entry,
)

router = new_router("audit")

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def _written(value: object) -> object:
    """Not a number, which could be seconds or milliseconds since whenever."""
    if isinstance(value, str) and not _DATE.match(value):
        raise PydanticCustomError("moment", "must be a date, or a date and time, as in RFC 3339")
    return value


_Moment = Annotated[
    datetime | None,
    BeforeValidator(_written),
    Query(description="RFC 3339; in UTC where it names no zone, as 2026-11-20"),
]


@router.get("/admin/audit", operation_id="list_audit", response_model=AuditPage)
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
async def get_audit(  # noqa: PLR0913  FastAPI reads the query from the parameters
    request: Request,
    *,
    actor: Annotated[Name | None, Query(description="the name of a key, or `local`")] = None,
    action: Annotated[
        Name | None, Query(description="as `POST /admin/rollback` or `molt keys create`")
    ] = None,
    outcome: Outcome | None = None,
    since: _Moment = None,
    until: _Moment = None,
    cursor: Annotated[str | None, Query(max_length=64, description="of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """List what was administered and what was refused, newest first."""
    wanted = AuditFilter(actor, action, outcome, _aware(since, "since"), _aware(until, "until"))
    before = _position(cursor)
    audit = service_of(request).engine.catalog.audit
    return Json(await admission_of(request).run(_page, audit, wanted, limit, before))


def _page(audit: AuditLog, wanted: AuditFilter, limit: int, before: int | None) -> dict[str, Any]:
    found: tuple[AuditEntry, ...] = audit.page(wanted, limit=limit + 1, before=before)
    page = found[:limit]
    more = len(found) > limit
    return {
        "entries": [describe_entry(one) for one in page],
        "cursor": str(page[-1].id) if more else None,
    }


def _position(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
        raise InvalidRequestError([Violation("is none of a page's", "query", ("cursor",))])
    return int(cursor)


def _aware(moment: datetime | None, name: str) -> datetime | None:
    if moment is None or moment.tzinfo is None:
        return None if moment is None else moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        wrong = Violation("is beyond the years 1 to 9999 in UTC", "query", (name,))
        raise InvalidRequestError([wrong]) from None
