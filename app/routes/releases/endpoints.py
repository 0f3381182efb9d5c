"""`/admin/activate` and `/admin/rollback`."""

from fastapi import Request
from starlette.responses import Response

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.route import actor_of, admission_of, new_router
from molt.app.http.scope import CollectionPlace, KeyScope, named_in, scoped
from molt.app.routes.known import known_generation
from molt.app.routes.releases.schemas import Activate, ActiveRelease, ReleaseName, Rollback
from molt.app.service import service_of
from molt.engine.releasing import Released
from molt.index.catalog.releases import Reason

router = new_router("releases")


@router.post(
    "/admin/activate",
    operation_id="activate",
    response_model=ActiveRelease,
    responses={
        404: {"description": "no such generation"},
        409: {"description": "the generation is being written by another; try again"},
        503: {"description": "the generation or its checkpoint is damaged"},
    },
)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def post_activate(request: Request, body: Activate) -> Json:
    """Serve a collection from a generation that is on disk; it catches up first."""
    service = service_of(request)
    reason = Reason(actor_of(request), body.reason or "activated")
    engine, reach = service.engine, caller_of(request).reach

    def activate() -> Released:
        generation = known_generation(engine, body.generation, reach)
        return engine.releaser.activate(generation, reason=reason)

    released = await admission_of(request).run(activate)
    return Json(released.to_json())


@router.post(
    "/admin/releases/name",
    operation_id="name_release",
    status_code=204,
    response_class=Response,
    responses={404: {"description": "no such collection or release"}},
)
@allow(Access.ADMIN)
@named_in(CollectionPlace.BODY)
async def post_release_name(request: Request, body: ReleaseName) -> Response:
    """Call a release by a name, which `POST /admin/activate` takes for its generation."""
    collections = service_of(request).engine.catalog.collections
    await admission_of(request).run(
        lambda: collections.name_release(body.collection, body.epoch, body.name)
    )
    return Response(status_code=204)


@router.post(
    "/admin/rollback",
    operation_id="rollback",
    response_model=ActiveRelease,
    responses={
        404: {"description": "no such collection"},
        409: {"description": "nothing to roll back to, or the generation is being written"},
        503: {"description": "the generation or its checkpoint is damaged"},
    },
)
@allow(Access.ADMIN)
@named_in(CollectionPlace.BODY)
async def post_rollback(request: Request, body: Rollback) -> Json:
    """Serve a collection from what it was served from before; done twice, nothing has changed."""
    service = service_of(request)
    reason = Reason(actor_of(request), body.reason or "rolled back")
    releaser = service.engine.releaser
    released = await admission_of(request).run(
        lambda: releaser.rollback(body.collection, reason=reason)
    )
    return Json(released.to_json())
