"""`/admin/activate` and `/admin/rollback`."""

from fastapi import Request

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.route import actor_of, new_router
from molt.app.routes.releases.schemas import Activate, Release, Rollback
from molt.app.service import service_of
from molt.index.catalog.releases import Reason

router = new_router("releases")


@router.post(
    "/admin/activate",
    operation_id="activate",
    response_model=Release,
    responses={
        404: {"description": "no such generation"},
        409: {"description": "the generation is being written by another; try again"},
        503: {"description": "the generation or its checkpoint is damaged"},
    },
)
@allow(Access.ADMIN)
async def post_activate(request: Request, body: Activate) -> Json:
    """Serve a collection from a generation that is on disk; it catches up first."""
    service = service_of(request)
    reason = Reason(actor_of(request), body.reason or "activated")
    releasing = service.engine.releasing
    released = await service.admission.run(
        lambda: releasing.activate(body.generation, reason=reason)
    )
    return Json(released.to_json())


@router.post(
    "/admin/rollback",
    operation_id="rollback",
    response_model=Release,
    responses={
        404: {"description": "no such collection"},
        409: {"description": "nothing to roll back to, or the generation is being written"},
        503: {"description": "the generation or its checkpoint is damaged"},
    },
)
@allow(Access.ADMIN)
async def post_rollback(request: Request, body: Rollback) -> Json:
    """Serve a collection from what it was served from before; done twice, nothing has changed."""
    service = service_of(request)
    reason = Reason(actor_of(request), body.reason or "rolled back")
    releasing = service.engine.releasing
    released = await service.admission.run(
        lambda: releasing.rollback(body.collection, reason=reason)
    )
    return Json(released.to_json())
