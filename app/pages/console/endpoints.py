"""`/console`: collections and what is at work; checkpoints, reports and settings."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import Request
from starlette.responses import Response

from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.route import admission_of
from molt.app.http.scope import KeyScope, scoped
from molt.app.pages.frame.page_route import new_page_router
from molt.app.pages.frame.rendering import viewer_of, write_page
from molt.app.routes.reports.endpoints import ReportPath, get_report_page
from molt.app.routes.reports.files import list_reports
from molt.app.service import Service, service_of
from molt.engine.engine import Engine
from molt.engine.live.status import CollectionStatus
from molt.engine.models.description import CheckpointDescriptions
from molt.engine.models.names import covers_checkpoint
from molt.engine.telemetry.redaction import shown_settings
from molt.index.catalog.access.reach import Reach
from molt.index.generations.description import describe_releases
from molt.index.jobs.job import Job

router = new_page_router()

_FEW = 8


@router.get("/console")
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_console(request: Request) -> Response:
    """Collections with counts and lag, jobs at work, and the latest releases."""
    reach = caller_of(request).reach
    return await admission_of(request).run(_overview, request, service_of(request), reach)


@router.get("/console/checkpoints")
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_console_checkpoints(request: Request) -> Response:
    """Every checkpoint, which of its variants serves here, and what was measured of it."""
    reach = caller_of(request).reach
    return await admission_of(request).run(_checkpoints, request, service_of(request), reach)


@router.get("/console/reports/{id}")
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_console_report(request: Request, report_id: ReportPath) -> Response:
    """A report, as it was written."""
    return await get_report_page(request, report_id)


@router.get("/console/settings")
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
async def get_console_settings(request: Request) -> Response:
    """The settings that this server started with, secrets redacted."""
    values = shown_settings(service_of(request).settings)
    context = {"here": "/console", "tab": "settings", "values": values}
    return await admission_of(request).run(
        partial(write_page, viewer_of(request), "console_settings.html", context)
    )


def covered_statuses(engine: Engine, reach: Reach) -> list[CollectionStatus]:
    """The collections that somebody may know of, and how far each index has come."""
    return [one for one in engine.statuses() if reach.covers(one.collection.name)]


def latest_jobs(
    engine: Engine, reach: Reach, *, limit: int, collection: str | None = None
) -> list[Job]:
    """The newest jobs that somebody may know of."""
    return engine.jobs.list(
        limit=limit, collection=collection, where=lambda job: reach.covers(job.collection)
    )


def _overview(request: Request, service: Service, reach: Reach) -> Response:
    engine = service.engine
    statuses = covered_statuses(engine, reach)
    names = [one.collection.name for one in statuses]
    failed = [one for one in engine.live_collections.failures if reach.covers(one.collection)]
    context = {
        "here": "/console",
        "tab": "overview",
        "statuses": statuses,
        "judged": _judged(engine, statuses),
        "jobs": latest_jobs(engine, reach, limit=_FEW),
        "failed": failed,
        "releases": describe_releases(engine.catalog, engine.generations, names=names, limit=_FEW),
        "problems": [] if reach.limited else engine.readiness().problems,
    }
    return write_page(viewer_of(request), "console.html", context)


def _judged(engine: Engine, statuses: Sequence[CollectionStatus]) -> dict[str, Any]:
    """How much is known about relevance in each collection."""
    counts = engine.catalog.judgments.counts
    return {one.collection.name: counts(one.collection) for one in statuses}


def _checkpoints(request: Request, service: Service, reach: Reach) -> Response:
    engine = service.engine
    descriptions = CheckpointDescriptions(engine.catalog, engine.settings)
    if reach.limited:
        sound = engine.checkpoints.survey().checkpoints
        found = [descriptions.describe(one) for one in sound if covers_checkpoint(reach, one)]
    else:
        found = descriptions.describe_all(engine.checkpoints)
    context = {
        "here": "/console",
        "tab": "checkpoints",
        "checkpoints": found[::-1],
        "reports": list_reports(service.settings.layout.reports, reach),
    }
    return write_page(viewer_of(request), "console_checkpoints.html", context)
