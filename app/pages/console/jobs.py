"""`/console/jobs`: what was asked of the worker, watched live, and cancelled."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

from fastapi import Header, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.route import actor_of, admission_of
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.texts import Remark
from molt.app.pages.console.endpoints import latest_jobs
from molt.app.pages.frame.page_route import form_of, new_page_router, require_form
from molt.app.pages.frame.rendering import is_partial, viewer_of, write_page
from molt.app.routes.jobs.asking import ask_job
from molt.app.routes.jobs.endpoints import JobPath, delete_job, get_events, post_dismiss
from molt.app.routes.known import known_job
from molt.app.service import service_of
from molt.engine.engine import Engine
from molt.index.catalog.access.reach import Reach
from molt.index.errors import CollectionNotFoundError
from molt.index.jobs.job import Job, JobKind, JobRequest

router = new_page_router()

_SHOWN = 100
_STATE = "job-state"
_JUDGING = (JobKind.RETRAIN, JobKind.EVALUATE)


class ServeForm(BaseModel):
    """Why a checkpoint is to serve, whatever the gate says of it."""

    reason: Remark


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


@router.post("/console/jobs/{id}/serve")
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def post_console_serve(request: Request, job_id: JobPath) -> Response:
    """Have the checkpoint serve that a job made or judged, and that does not serve yet."""
    require_form(request)
    form, reach = form_of(request, ServeForm), caller_of(request).reach
    actor = actor_of(request)
    asked = await admission_of(request).run(
        lambda: _ask_to_serve(service_of(request).engine, job_id, form.reason, actor, reach)
    )
    return RedirectResponse(f"/console/jobs/{asked.id}", 303)


def _ask_to_serve(engine: Engine, job_id: str, reason: str, actor: str, reach: Reach) -> Job:
    """A reload of what was judged, ranked as it was judged, that names the report."""
    job = known_job(engine, job_id, reach)
    made = _unserved(engine, job)
    if made is None:
        wrong = "has no checkpoint that could be served, or that one serves already"
        raise InvalidRequestError([Violation(wrong, "path", ("id",))])
    kept = {name: made[name] for name in ("report", "ranking") if made.get(name) is not None}
    options = {"checkpoint": made["checkpoint"], "reason": reason} | kept
    return ask_job(engine, JobRequest(JobKind.RELOAD, job.collection, options, actor), None, reach)


def _list(request: Request, reach: Reach) -> Response:
    jobs = latest_jobs(service_of(request).engine, reach, limit=_SHOWN)
    context = {"here": "/console", "tab": "jobs", "jobs": jobs}
    return write_page(viewer_of(request), "console_jobs.html", context)


def _page(request: Request, job_id: str, reach: Reach) -> Response:
    engine = service_of(request).engine
    job = engine.jobs.look(known_job(engine, job_id, reach).id)
    context: dict[str, Any] = {
        "here": "/console",
        "tab": "jobs",
        "job": job,
        "alarm": any(one.job == job.id for one in engine.catalog.failures.list()),
        "unserved": _unserved(engine, job),
        "other": _other_generation(engine, job),
    }
    template = "console_job_state.html" if is_partial(request, _STATE) else "console_job.html"
    write = partial(write_page, viewer_of(request), template, context)
    return write()


def _unserved(engine: Engine, job: Job) -> Mapping[str, Any] | None:
    """What a retrain or an evaluation says of its checkpoint, where that does not serve."""
    made = job.result
    if job.kind not in _JUDGING or not isinstance(made, Mapping) or made.get("promoted"):
        return None
    if not made.get("report") or not made.get("checkpoint"):
        return None
    with suppress(CollectionNotFoundError):
        serving = engine.status(engine.catalog.collections.get(str(job.collection))).checkpoint
        return None if serving == made["checkpoint"] else made
    return None


def _other_generation(engine: Engine, job: Job) -> str | None:
    """What to compare with what serves: what served before a job, or what it made."""
    made = job.result.get("generation") if isinstance(job.result, Mapping) else None
    if made is None:
        return None
    with suppress(CollectionNotFoundError):
        name = str(job.collection)
        moves = engine.catalog.collections.releases(name)
        former = next((move.previous for move in moves if move.generation == made), None)
        return former if engine.catalog.collections.get(name).generation == made else made
    return None
