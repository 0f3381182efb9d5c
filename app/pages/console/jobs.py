"""`/console/jobs`: what was asked of the worker, watched live, and cancelled."""

from functools import partial
from typing import Annotated, Any

from fastapi import Header, Request
from starlette.responses import RedirectResponse, Response

from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.route import admission_of
from molt.app.http.scope import KeyScope, scoped
from molt.app.pages.console.endpoints import latest_jobs
from molt.app.pages.frame.page_route import new_page_router
from molt.app.pages.frame.rendering import is_partial, viewer_of, write_page
from molt.app.routes.jobs.endpoints import JobPath, delete_job, get_events, post_dismiss
from molt.app.routes.known import known_job
from molt.app.service import service_of
from molt.index.catalog.access.reach import Reach

router = new_page_router()

_SHOWN = 100
_STATE = "job-state"


@router.get("/console/jobs")
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_console_jobs(request: Request) -> Response:
    """The newest jobs."""
    return await admission_of(request).run(_list, request, caller_of(request).reach)


@router.get("/console/jobs/{id}")
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_console_job(request: Request, job_id: JobPath) -> Response:
    """How far a job is, what it has told, and what it made or why it failed."""
    return await admission_of(request).run(_page, request, job_id, caller_of(request).reach)


@router.get("/console/jobs/{id}/events")
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_console_job_events(
    request: Request,
    job_id: JobPath,
    last: Annotated[int, Header(alias="Last-Event-ID", ge=-1, le=2**53)] = -1,
) -> Response:
    """The events of a job as they come."""
    return await get_events(request, job_id, last)


@router.post("/console/jobs/{id}/cancel")
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def post_console_cancel(request: Request, job_id: JobPath) -> Response:
    """Cancel a job."""
    await delete_job(request, job_id)
    return RedirectResponse(f"/console/jobs/{job_id}", 303)


@router.post("/console/jobs/{id}/dismiss")
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def post_console_dismiss(request: Request, job_id: JobPath) -> Response:
    """Take back the alarm that a job raised."""
    await post_dismiss(request, job_id)
    return RedirectResponse(f"/console/jobs/{job_id}", 303)


def _list(request: Request, reach: Reach) -> Response:
    jobs = latest_jobs(service_of(request).engine, reach, limit=_SHOWN)
    context = {"here": "/console", "tab": "jobs", "jobs": jobs}
    return write_page(viewer_of(request), "console_jobs.html", context)


def _page(request: Request, job_id: str, reach: Reach) -> Response:
    engine = service_of(request).engine
    job = engine.jobs.look(known_job(engine, job_id, reach).id)
    failed = any(one.job == job.id for one in engine.catalog.failures.list())
    context: dict[str, Any] = {"here": "/console", "tab": "jobs", "job": job, "alarm": failed}
    template = "console_job_state.html" if is_partial(request, _STATE) else "console_job.html"
    write = partial(write_page, viewer_of(request), template, context)
    return write()
