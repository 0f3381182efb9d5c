"""`/collections/{collection}/curations`."""

from typing import Annotated, Any

from fastapi import Query, Request
from starlette.responses import Response

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json
from molt.app.http.auditing import administers
from molt.app.http.auth import Access, allow
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import CollectionPath, Words
from molt.app.http.validation import require
from molt.app.routes.curations.schemas import CurationList, CurationState, NewCuration
from molt.app.service import Service, service_of
from molt.engine.engine import Engine
from molt.index.catalog.judging.curations import Curation

router = new_router("curations")

_PATH = "/collections/{collection}/curations"
_NOWHERE: dict[int | str, dict[str, Any]] = {404: {"description": "no such collection"}}


@router.get(_PATH, operation_id="list_curations", response_model=CurationList, responses=_NOWHERE)
@allow(Access.READ)
@named_in(CollectionPlace.PATH)
@within(Bulkhead.BULK)
async def get_curations(request: Request, collection: CollectionPath) -> Json:
    """List what is pinned and hidden for which queries."""
    engine = service_of(request).engine
    return Json(await admission_of(request).run(_list, engine, collection))


@router.put(_PATH, operation_id="set_curation", response_model=CurationState, responses=_NOWHERE)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
@administers
async def put_curation(request: Request, collection: CollectionPath, body: NewCuration) -> Json:
    """Pin documents to the top of a query's hits, or hide them; replaces what it had."""
    service = service_of(request)
    return Json(await admission_of(request).run(_put, service, collection, body))


@router.delete(
    _PATH,
    operation_id="delete_curation",
    status_code=204,
    response_class=Response,
    responses={404: {"description": "no such collection, or no curation for the query"}},
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
@administers
async def delete_curation(
    request: Request,
    collection: CollectionPath,
    query: Annotated[Words, Query(description="the query whose curation goes")],
) -> Response:
    """Let a query have the hits that it has by itself."""
    engine = service_of(request).engine
    await admission_of(request).run(_delete, engine, collection, query)
    return Response(status_code=204)


def _list(engine: Engine, name: str) -> dict[str, Any]:
    found = engine.catalog.curations.list(engine.catalog.collections.get(name))
    return {"curations": [vars(one) for one in found]}


def _put(service: Service, name: str, body: NewCuration) -> dict[str, Any]:
    limits = service.settings.limits
    require(len(body.query), limits, "max_query_chars", place=("query",))
    curation = Curation(body.query, tuple(body.pinned), tuple(body.hidden))
    engine = service.engine
    kept = engine.catalog.curations.put(name, curation, most=limits.max_curations)
    engine.live_collections.read_search_defaults()
    return vars(kept)


def _delete(engine: Engine, name: str, query: str) -> None:
    engine.catalog.curations.remove(name, query)
    engine.live_collections.read_search_defaults()
