"""`/admin/checkpoints`, `/admin/checkpoints/{id}` and `/admin/checkpoints/{id}/name`."""

import asyncio
from pathlib import Path
from shutil import rmtree
from typing import Annotated, Any

from fastapi import Path as PathParameter
from fastapi import Query, Request
from starlette.responses import Response

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.route import actor_of, admission_of, new_router
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.texts import Name
from molt.app.routes.checkpoints.schemas import (
    CheckpointList,
    CheckpointName,
    CheckpointState,
    NewCheckpointName,
)
from molt.app.routes.checkpoints.upload import ARCHIVES, add_checkpoint, hand_over, unpacked
from molt.app.routes.jobs.asking import accepted
from molt.app.routes.jobs.schemas import JobStatus
from molt.app.routes.known import known_checkpoint, known_checkpoint_id
from molt.app.service import Service, service_of
from molt.encoder.checkpoint import CHECKPOINT_MANIFEST, Checkpoint
from molt.engine.engine import Engine
from molt.engine.models.description import CheckpointDescriptions
from molt.engine.models.names import covers_checkpoint
from molt.index.catalog.access.reach import EVERYTHING, Reach
from molt.index.jobs.job import Job, JobKind, JobRequest, new_job_id

router = new_router("checkpoints")

CheckpointPath = Annotated[
    Name,
    PathParameter(alias="id", description="a checkpoint's id, how it alone begins, or its name"),
]
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
    """One checkpoint, which variant serves here and why, and what was measured of each."""
    service = service_of(request)
    reach = caller_of(request).reach
    return Json(await admission_of(request).run(_get, service.engine, checkpoint_id, reach))


@router.put(
    "/admin/checkpoints/{id}/name",
    operation_id="name_checkpoint",
    response_model=CheckpointName,
    responses={404: {"description": "no such checkpoint"}},
)
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
async def put_checkpoint_name(
    request: Request, checkpoint_id: CheckpointPath, body: NewCheckpointName
) -> Json:
    """Call a checkpoint by a name, which stands for its id; another that had it loses it."""
    engine = service_of(request).engine
    return Json(await admission_of(request).run(_name, engine, checkpoint_id, body.name))


@router.delete(
    "/admin/checkpoints/{id}/name",
    operation_id="unname_checkpoint",
    status_code=204,
    response_class=Response,
    responses={404: {"description": "no such checkpoint"}},
)
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
async def delete_checkpoint_name(request: Request, checkpoint_id: CheckpointPath) -> Response:
    """Take its name from a checkpoint; one that has none stays as it is."""
    await admission_of(request).run(_name, service_of(request).engine, checkpoint_id, None)
    return Response(status_code=204)


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
    descriptions = CheckpointDescriptions(engine.catalog, engine.settings)
    if not reach.limited:
        return descriptions.describe_all(engine.checkpoints)
    sound = engine.checkpoints.survey().checkpoints
    return [descriptions.describe(one) for one in sound if covers_checkpoint(reach, one)]


def _get(engine: Engine, checkpoint_id: str, reach: Reach) -> dict[str, Any]:
    return _state(engine, known_checkpoint(engine, checkpoint_id, reach))


def _state(engine: Engine, checkpoint: Checkpoint) -> dict[str, Any]:
    return CheckpointDescriptions(engine.catalog, engine.settings).describe(checkpoint)


def _name(engine: Engine, given: str, name: str | None) -> dict[str, Any]:
    checkpoint_id = known_checkpoint_id(engine, given, EVERYTHING)
    engine.catalog.names.set(checkpoint_id, name)
    engine.live_collections.read_aliases()
    return {"id": checkpoint_id, "name": name}
