"""`/admin/checkpoints` and `/admin/checkpoints/{id}`."""

import asyncio
from pathlib import Path
from shutil import rmtree
from typing import Annotated, Any

from fastapi import Path as PathParameter
from fastapi import Query, Request

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.route import actor_of, admission_of, new_router
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.texts import Name
from molt.app.routes.checkpoints.schemas import CheckpointList, CheckpointState
from molt.app.routes.checkpoints.upload import ARCHIVES, add_checkpoint, hand_over, unpacked
from molt.app.routes.jobs.asking import accepted
from molt.app.routes.jobs.schemas import JobStatus
from molt.app.routes.known import known_checkpoint
from molt.app.service import Service, service_of
from molt.encoder.checkpoint import CHECKPOINT_MANIFEST, Checkpoint
from molt.encoder.description import describe_checkpoint, describe_checkpoints
from molt.engine.engine import Engine
from molt.engine.models.names import covers_checkpoint
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.aliases import DEFAULT
from molt.index.jobs.job import Job, JobKind, JobRequest, new_job_id

router = new_router("checkpoints")

CheckpointPath = Annotated[Name, PathParameter(alias="id", description="a checkpoint's id")]
_BODY = {
    "requestBody": {
        "required": True,
        "description": "a tar archive of the checkpoint's directory, plain or gzip",
        "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in ARCHIVES},
    }
}


@router.post(
    "/admin/checkpoints",
    operation_id="upload_checkpoint",
    status_code=201,
    response_model=CheckpointState,
    responses={
        200: {"model": CheckpointState, "description": "it was there already"},
        202: {"model": JobStatus, "description": "the job that makes a checkpoint of the model"},
        409: {"description": "another model is at it; `job` is the id of its job"},
    },
    openapi_extra=_BODY,
)
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
async def post_checkpoint(
    request: Request,
    name: Annotated[Name | None, Query(description="what a model is called")] = None,
) -> Json:
    """Add a finished checkpoint, or ask for one to be made of a model.

    It is verified before anything of it is loaded.
    """
    service = service_of(request)
    async with unpacked(request, service) as content:
        if not (content / CHECKPOINT_MANIFEST).is_file():
            asked = JobRequest(
                JobKind.EXPORT, None, {"name": name or "an uploaded model"}, actor_of(request)
            )
            return accepted(await asyncio.to_thread(_ask_export, service, content, asked))
        added = await asyncio.to_thread(
            add_checkpoint,
            service.engine.checkpoints,
            content,
            cache=service.settings.layout.cache,
        )
    state = await asyncio.to_thread(_state, service.engine, added.checkpoint)
    headers = {"Location": f"/admin/checkpoints/{added.checkpoint.id}"}
    return Json(state, 201 if added.new else 200, headers=headers)


@router.get("/admin/checkpoints", operation_id="list_checkpoints", response_model=CheckpointList)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_checkpoints(request: Request) -> Json:
    """List all checkpoints, oldest first, the damaged ones too."""
    service = service_of(request)
    reach = caller_of(request).reach
    return Json({"checkpoints": await admission_of(request).run(_list, service.engine, reach)})


@router.get(
    "/admin/checkpoints/{id}",
    operation_id="get_checkpoint",
    response_model=CheckpointState,
    responses={404: {"description": "no such checkpoint"}},
)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_checkpoint(request: Request, checkpoint_id: CheckpointPath) -> Json:
    """One checkpoint, with the measured truth and speed of each runtime variant."""
    service = service_of(request)
    reach = caller_of(request).reach
    return Json(await admission_of(request).run(_get, service.engine, checkpoint_id, reach))


def _ask_export(service: Service, content: Path, request: JobRequest) -> Job:
    job_id = new_job_id()
    folder = service.settings.layout.job_folder(job_id)
    try:
        hand_over(content, folder)
        return service.engine.jobs.ask(request, job_id=job_id)
    except BaseException:
        rmtree(folder, ignore_errors=True)
        raise


def _list(engine: Engine, reach: Reach) -> list[dict[str, Any]]:
    """What can be known within `reach`; of a damaged one nobody can tell whose it is."""
    default = engine.catalog.aliases.get(DEFAULT)
    if not reach.limited:
        return describe_checkpoints(engine.checkpoints, default=default)
    sound = engine.checkpoints.survey().checkpoints
    return [
        describe_checkpoint(one, default=default) for one in sound if covers_checkpoint(reach, one)
    ]


def _get(engine: Engine, checkpoint_id: str, reach: Reach) -> dict[str, Any]:
    return _state(engine, known_checkpoint(engine, checkpoint_id, reach))


def _state(engine: Engine, checkpoint: Checkpoint) -> dict[str, Any]:
    return describe_checkpoint(checkpoint, default=engine.catalog.aliases.get(DEFAULT))
