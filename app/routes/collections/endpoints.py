"""`/collections` and `/collections/{collection}`."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auditing import administers
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import (
    CollectionPlace,
    KeyScope,
    by_own_name,
    named_in,
    require_covered,
    scoped,
)
from molt.app.http.texts import CollectionPath
from molt.app.routes.collections.schemas import (
    AnalysisBody,
    CollectionChange,
    CollectionDetail,
    CollectionList,
    NewCollection,
)
from molt.app.routes.conditions import matching_of, tagged
from molt.app.service import service_of
from molt.engine.engine import Engine
from molt.engine.live.leg import NO_LEG, follows_analysis
from molt.engine.live.status import CollectionStatus
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.collection import Collection, require_revision
from molt.index.catalog.expiries import ExpiryState
from molt.index.generations.description import describe_passages, splitting_warnings
from molt.index.lexical.analysis import parse_analysis, read_analysis, write_analysis
from molt.index.selection.expiring import expiry_warnings, state_warnings

router = new_router("collections")

_MOST_NAMED = 100
"""So many documents in quarantine are named."""


@router.post(
    "/collections",
    operation_id="create_collection",
    status_code=201,
    response_model=CollectionDetail,
    responses={409: {"description": "a collection of that name exists"}},
)
@allow(Access.WRITE)
@scoped(KeyScope.FILTERED)
@administers
async def post_collection(request: Request, body: NewCollection) -> Json:
    """Make an empty collection."""
    service = service_of(request)
    require_covered(request, body.name)
    state = await admission_of(request).run(_create, service.engine, body)
    return Json(state, 201, headers={"Location": f"/collections/{body.name}"})


@router.get("/collections", operation_id="list_collections", response_model=CollectionList)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def get_collections(request: Request) -> Json:
    """List all collections by name."""
    service = service_of(request)
    reach = caller_of(request).reach
    return Json({"collections": await admission_of(request).run(_list, service.engine, reach)})


@router.get(
    "/collections/{collection}",
    operation_id="get_collection",
    response_model=CollectionDetail,
    responses={404: {"description": "no such collection"}},
)
@allow(Access.READ)
@named_in(CollectionPlace.PATH)
async def get_collection(request: Request, collection: CollectionPath) -> Json:
    """Counts, revisions, the active generation and the fields of a collection."""
    service = service_of(request)
    state = await admission_of(request).run(_get, service.engine, collection)
    return Json(state, headers=tagged(state["revision"]))


@router.patch(
    "/collections/{collection}",
    operation_id="change_collection",
    response_model=CollectionDetail,
    responses={
        404: {"description": "no such collection"},
        412: {"description": "`If-Match` does not hold"},
    },
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
@administers
async def patch_collection(
    request: Request, collection: CollectionPath, body: CollectionChange
) -> Json:
    """When documents expire, how texts become terms and passages, how searches are boosted.

    What is left out stays.
    """
    if body.model_dump(exclude_none=True) == {}:
        wrong = "must be there, or `boosts`, `analysis` or `passages`"
        raise InvalidRequestError([Violation(wrong, "body", ("expiry_field",))])
    service, match = service_of(request), matching_of(request)
    state = await admission_of(request).run(_change, service.engine, collection, body, match)
    return Json(state, headers=tagged(state["revision"]))


@router.delete(
    "/collections/{collection}",
    operation_id="delete_collection",
    status_code=204,
    response_class=Response,
    responses={
        404: {"description": "no such collection"},
        412: {"description": "`If-Match` does not hold"},
    },
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
@by_own_name
@administers
async def delete_collection_route(request: Request, collection: CollectionPath) -> Response:
    """Delete a collection, by its own name and no alias, with everything in it."""
    service, match = service_of(request), matching_of(request)
    await admission_of(request).run(_delete, service.engine, collection, match)
    return Response(status_code=204)


def _create(engine: Engine, body: NewCollection) -> dict[str, Any]:
    analysis = None if body.analysis is None else _written(body.analysis)
    made = engine.create(
        body.name,
        expiry_field=body.expiry_field or None,
        analysis=analysis,
        splitting=None if body.passages is None else body.passages.splitting,
    )
    return _detail(engine, made)


def _change(
    engine: Engine, name: str, body: CollectionChange, match: frozenset[int] | None
) -> dict[str, Any]:
    analysis = None if body.analysis is None else _written(body.analysis)
    require_revision(engine.catalog.collections.get(name), match)
    if body.boosts is not None:
        kept = [one.model_dump(exclude_none=True) for one in body.boosts]
        engine.catalog.curations.boost(name, encode(kept).decode() if kept else None)
        engine.live_collections.read_search_defaults()
    if body.passages is not None:
        engine.catalog.collections.split(name, body.passages.splitting, match=match)
    if body.analysis is not None:
        engine.catalog.collections.analyse(name, analysis, match=match)
        engine.changed(name)
    if body.expiry_field is None:
        return _get(engine, name)
    changed = engine.catalog.expiries.choose(name, body.expiry_field or None, match=match)
    warnings = expiry_warnings(engine.catalog, changed)
    engine.changed(name)
    return _get(engine, name) | {"warnings": list(warnings)}


def _written(body: AnalysisBody) -> str | None:
    return write_analysis(parse_analysis(body.model_dump(exclude_none=True)))


def _list(engine: Engine, reach: Reach) -> list[dict[str, Any]]:
    named = _aliases(engine)
    return [_state(one, named) for one in engine.statuses() if reach.covers(one.collection.name)]


def _aliases(engine: Engine) -> Mapping[str, list[str]]:
    """The other names of each collection, by its own."""
    found: dict[str, list[str]] = defaultdict(list)
    for alias in engine.models.aliases():
        found[alias.model].append(alias.name)
    return found


def _get(engine: Engine, name: str) -> dict[str, Any]:
    return _detail(engine, engine.status(engine.catalog.collections.get(name)))


def _detail(engine: Engine, status: CollectionStatus) -> dict[str, Any]:
    fields = [
        {
            "field": one.field,
            "kinds": {str(kind): count for kind, count in one.kinds.items()},
            "mixed": one.mixed,
        }
        for one in engine.count_fields(status.collection)
    ]
    expiry = engine.catalog.expiries.state(status.collection)
    boosts = engine.live_collections.search_defaults(status.collection).boosts
    warnings = [] if expiry is None else [*state_warnings(status.collection, expiry)]
    warnings += splitting_warnings(status.collection, engine.generations)
    return _state(status, _aliases(engine)) | {
        "fields": fields,
        "expiry": None if expiry is None else _expiry(expiry),
        "boosts": orjson.loads(boosts or "[]"),
        "passages": describe_passages(status.collection.splitting),
        "analysis": read_analysis(status.collection.analysis).describe(),
        "analysis_followed": _follows(engine, status.collection),
        "warnings": warnings,
    }


def _follows(engine: Engine, collection: Collection) -> bool:
    live = engine.live_collections.known(collection.name).live
    leg = NO_LEG if live is None else live.leg
    return follows_analysis(engine.lexical, collection, leg)


def _expiry(state: ExpiryState) -> dict[str, Any]:
    return {
        "next": state.next,
        "unreadable": {"count": state.unreadable, "documents": list(state.named)},
        "complete": state.complete,
    }


def _delete(engine: Engine, name: str, match: frozenset[int] | None) -> None:
    engine.catalog.collections.delete(name, match=match)
    engine.live_collections.refresh_changed()


def _state(status: CollectionStatus, named: Mapping[str, list[str]]) -> dict[str, Any]:
    collection = status.collection
    return {
        "name": collection.name,
        "aliases": named.get(collection.name, []),
        "created_at": collection.created_at,
        "documents": collection.documents,
        "revision": collection.revision,
        "indexed_revision": status.indexed_revision,
        "generation": collection.generation,
        "checkpoint": status.checkpoint,
        "epoch": collection.epoch,
        "state": status.state,
        "problem": status.problem,
        "quarantine": {
            "count": len(status.quarantined),
            "documents": [
                {"id": one.doc_id, "revision": one.revision, "reason": one.reason}
                for one in status.quarantined[:_MOST_NAMED]
            ],
        },
        "expiry_field": collection.expiry_field,
        "expired_total": collection.expired,
    }
