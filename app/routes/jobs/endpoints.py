"""`/admin/jobs`: what became of what was asked for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from typing import Annotated, Any

import orjson
from fastapi import Header, Path, Query, Request
from fastapi.sse import format_sse_event
from starlette.responses import Response, StreamingResponse

from molt.app.following import FOLLOW_SECONDS
from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.caller import Caller, caller_of
from molt.app.http.failures import ForbiddenError, InvalidKeyError
from molt.app.http.route import admission_of, admit_caller, new_router
from molt.app.http.scope import KeyScope, require_covered, scoped
from molt.app.http.texts import CollectionName, Name
from molt.app.routes.jobs.schemas import JobList, JobStatus
from molt.app.routes.known import known_job
from molt.app.service import service_of
from molt.index.jobs.job import Job

router = new_router("jobs")

JobPath = Annotated[Name, Path(alias="id", description="a job's id")]
_PING_SECONDS = 15.0


@router.get("/admin/jobs", operation_id="list_jobs", response_model=JobList)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_jobs(
    request: Request,
    collection: CollectionName | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """List the newest jobs, newest first."""
    engine = service_of(request).engine
    where = _covered_by(require_covered(request, collection))
    found = await admission_of(request).run(
        lambda: engine.jobs.list(collection=collection, limit=limit, where=where)
    )
    return Json({"jobs": [asdict(job) for job in found]})


@router.get(
    "/admin/jobs/{id}",
    operation_id="get_job",
    response_model=JobStatus,
    responses={404: {"description": "no such job"}},
)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_job(request: Request, job_id: JobPath) -> Json:
    """Say how far a job has come, what it made, or why it failed."""
    known = await _job(request, job_id)
    jobs = service_of(request).engine.jobs
    return Json(asdict(await admission_of(request).run(jobs.look, known.id)))


@router.delete(
    "/admin/jobs/{id}",
    operation_id="cancel_job",
    response_model=JobStatus,
    responses={404: {"description": "no such job"}},
)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def delete_job(request: Request, job_id: JobPath) -> Json:
    """Cancel a job; what is at work stops within seconds. One that has ended stays as it is."""
    known = await _job(request, job_id)
    jobs = service_of(request).engine.jobs
    return Json(asdict(await admission_of(request).run(jobs.cancel, known.id)))


@router.post(
    "/admin/jobs/{id}/dismiss",
    operation_id="dismiss_job",
    response_model=JobStatus,
    responses={404: {"description": "no such job"}},
)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def post_dismiss(request: Request, job_id: JobPath) -> Json:
    """Take back the alarm that a failed job raised; the job stays as it is."""
    failures = service_of(request).engine.catalog.failures
    known = await _job(request, job_id)
    await admission_of(request).run(failures.dismiss, known.id)
    return Json(asdict(known))


@router.get(
    "/admin/jobs/{id}/events",
    operation_id="follow_job",
    response_class=Response,
    responses={
        200: {"description": "server-sent events", "content": {"text/event-stream": {}}},
        404: {"description": "no such job"},
    },
)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_events(
    request: Request,
    job_id: JobPath,
    last: Annotated[int, Header(alias="Last-Event-ID", ge=-1, le=2**53)] = -1,
) -> StreamingResponse:
    """Follow a job: every event so far, those to come as they come, and `end` with its state."""
    known = await _job(request, job_id)
    return StreamingResponse(
        _followed(request, known, last),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _job(request: Request, job_id: str) -> Job:
    """The job, found by a thread, which opens the queue where nobody has: that may take long."""
    engine, reach = service_of(request).engine, caller_of(request).reach
    return await admission_of(request).run(known_job, engine, job_id, reach)


def _covered_by(caller: Caller) -> Callable[[Job], bool]:
    return lambda job: caller.reach.covers(job.collection)


async def _followed(request: Request, job: Job, last: int) -> AsyncIterator[bytes]:
    """Server-sent events until the job ends, the server stops or the key is revoked.

    A comment where it is silent.
    """
    service, loop = service_of(request), asyncio.get_running_loop()
    spoken = loop.time()
    async with service.followers.following(job.id) as story:
        while not service.leaving:
            ended = story.ended
            for event in story.after(last):
                last, spoken = event.number, loop.time()
                yield _sse(event.content, name="progress", number=last)
            if ended is not None:
                yield _sse(asdict(ended), name="end", number=last)
                return
            if loop.time() - spoken > _PING_SECONDS:
                spoken = loop.time()
                yield format_sse_event(comment="still at work")
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                caller = await admit_caller(request, Access.ADMIN)
            except (InvalidKeyError, ForbiddenError):
                return
            if not _covered_by(caller)(job):
                return


def _sse(content: Any, *, name: str, number: int) -> bytes:
    data = orjson.dumps(content).decode()
    return format_sse_event(data_str=data, event=name, id=str(number))
