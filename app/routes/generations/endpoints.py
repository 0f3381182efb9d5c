"""`/admin/generations` and `/admin/releases`: what is on disk, and what has been served when."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Request

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.route import admission_of, new_router
from molt.app.http.scope import KeyScope, require_covered, scoped
from molt.app.http.texts import Name
from molt.app.routes.generations.schemas import GenerationList, ReleaseList
from molt.app.service import service_of
from molt.engine.engine import Engine
from molt.index.generations.description import describe_generations, describe_releases

router = new_router("generations")

MAX_RELEASES = 1000
_NO_COLLECTION: dict[int | str, dict[str, Any]] = {404: {"description": "no such collection"}}
OnlyOf = Annotated[Name | None, Query(description="of this collection alone")]


@router.get(
    "/admin/generations",
    operation_id="list_generations",
    response_model=GenerationList,
    responses=_NO_COLLECTION,
)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_generations(request: Request, collection: OnlyOf = None) -> Json:
    """List the generations, oldest first, the damaged ones too."""
    service = service_of(request)
    wanted = await _wanted(request, collection)
    found = await admission_of(request).run(_generations, service.engine, wanted)
    return Json({"generations": found})


@router.get(
    "/admin/releases",
    operation_id="list_releases",
    response_model=ReleaseList,
    responses=_NO_COLLECTION,
)
@allow(Access.ADMIN)
@scoped(KeyScope.FILTERED)
async def get_releases(
    request: Request,
    collection: OnlyOf = None,
    limit: Annotated[int, Query(ge=1, le=MAX_RELEASES)] = 100,
) -> Json:
    """List who moved which pointer, when and why, newest first."""
    service = service_of(request)
    wanted = await _wanted(request, collection)
    found = await admission_of(request).run(_releases, service.engine, wanted, limit)
    return Json({"releases": found})


@dataclass(frozen=True)
class _Wanted:
    """Whose generations to tell of: of collections, and of `others`, whose collection is gone."""

    names: tuple[str, ...]
    others: bool


async def _wanted(request: Request, only: str | None) -> _Wanted:
    """Raises `ForbiddenError`, and `CollectionNotFoundError` where `only` one is none."""
    caller = require_covered(request, only)
    collections = service_of(request).engine.catalog.collections

    def look() -> _Wanted:
        found = collections.list() if only is None else (collections.get(only),)
        names = tuple(one.name for one in found if caller.reach.covers(one.name))
        return _Wanted(names, others=only is None and not caller.reach.limited)

    return await admission_of(request).run(look)


def _generations(engine: Engine, wanted: _Wanted) -> list[dict[str, Any]]:
    found = describe_generations(engine.generations, engine.catalog.collections.list())
    return [each for each in found if wanted.others or each["collection"] in wanted.names]


def _releases(engine: Engine, wanted: _Wanted, limit: int) -> list[dict[str, Any]]:
    return describe_releases(engine.catalog, engine.generations, names=wanted.names, limit=limit)
