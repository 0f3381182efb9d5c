"""`/admin/generations` and `/admin/releases`: what is on disk, and what has been served when."""

from typing import Annotated, Any

from fastapi import Query, Request

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.route import new_router
from molt.app.http.texts import Name
from molt.app.routes.generations.schemas import GenerationList, ReleaseList
from molt.app.service import service_of
from molt.engine.engine import Engine
from molt.index.generations.description import describe_generations, describe_releases

router = new_router("generations")

MAX_RELEASES = 1000
NO_COLLECTION: dict[int | str, dict[str, Any]] = {404: {"description": "no such collection"}}
OnlyOf = Annotated[Name | None, Query(description="of this collection alone")]


@router.get(
    "/admin/generations",
    operation_id="list_generations",
    response_model=GenerationList,
    responses=NO_COLLECTION,
)
@allow(Access.ADMIN)
async def get_generations(request: Request, collection: OnlyOf = None) -> Json:
    """List the generations, oldest first, the damaged ones too."""
    service = service_of(request)
    found = await service.admission.run(_generations, service.engine, collection)
    return Json({"generations": found})


@router.get(
    "/admin/releases",
    operation_id="list_releases",
    response_model=ReleaseList,
    responses=NO_COLLECTION,
)
@allow(Access.ADMIN)
async def get_releases(
    request: Request,
    collection: OnlyOf = None,
    limit: Annotated[int, Query(ge=1, le=MAX_RELEASES)] = 100,
) -> Json:
    """List who moved which pointer, when and why, newest first."""
    service = service_of(request)
    found = await service.admission.run(_releases, service.engine, collection, limit)
    return Json({"releases": found})


def _generations(engine: Engine, only: str | None) -> list[dict[str, Any]]:
    names = _names(engine, only)
    found = describe_generations(engine.generations, engine.catalog.collections.list())
    return [each for each in found if only is None or each["collection"] in names]


def _releases(engine: Engine, only: str | None, limit: int) -> list[dict[str, Any]]:
    names = _names(engine, only)
    return describe_releases(engine.catalog, engine.generations, names=names, limit=limit)


def _names(engine: Engine, only: str | None) -> list[str]:
    """Every collection, or `only` one. Raises `CollectionNotFoundError`."""
    collections = engine.catalog.collections
    found = collections.list() if only is None else (collections.get(only),)
    return [one.name for one in found]
