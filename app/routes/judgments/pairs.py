"""Pairs that are kept: listed and deleted."""

from typing import Annotated, Any

from fastapi import Query, Request

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import CollectionPath, Id, PairId, Words
from molt.app.http.validation import require
from molt.app.routes.judgments.schemas import DeletedPairs, PairPage
from molt.app.service import Service, service_of
from molt.engine.engine import Engine
from molt.index.catalog.judging.pages import NO_SPLIT
from molt.index.catalog.judging.pairs import PairSelection
from molt.index.catalog.judgments import PairKind

router = new_router("judgments")

_NO_COLLECTION: dict[int | str, dict[str, Any]] = {404: {"description": "no such collection"}}
_OfId = Annotated[PairId | None, Query(alias="id", description="the pair of this id")]
_OfText = Annotated[
    Words | None, Query(alias="query", description="only those whose query is this text")
]
_OfKind = Annotated[
    PairKind | None,
    Query(
        alias="kind",
        description="`contrast`: with a text that does not answer; `scored`: with a score; "
        "`positive`: the others",
    ),
]
_OfSplit = Annotated[
    Id | None,
    Query(alias="split", description=f"train, dev or test; `{NO_SPLIT}` for those without a split"),
]


@router.get(
    "/collections/{collection}/pairs",
    operation_id="list_pairs",
    response_model=PairPage,
    responses=_NO_COLLECTION,
)
@allow(Access.READ)
@named_in(CollectionPlace.PATH)
@within(Bulkhead.BULK)
async def get_pairs(  # noqa: PLR0913  the framework reads parameters from the signature
    request: Request,
    collection: CollectionPath,
    *,
    text: _OfText = None,
    kind: _OfKind = None,
    split: _OfSplit = None,
    after: Annotated[PairId | None, Query(description="the `next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Json:
    """Page through pairs in the order of their ids, which depend on nothing but their content."""
    service = service_of(request)
    _require_short(text, service)
    chosen = PairSelection(query=text, kind=kind, split=split)
    run = admission_of(request).run
    return Json(await run(_page, service, collection, chosen, after, limit))


@router.delete(
    "/collections/{collection}/pairs",
    operation_id="delete_pairs",
    response_model=DeletedPairs,
    responses=_NO_COLLECTION,
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
async def delete_pairs(  # noqa: PLR0913  the framework reads parameters from the signature
    request: Request,
    collection: CollectionPath,
    *,
    pair_id: _OfId = None,
    text: _OfText = None,
    kind: _OfKind = None,
    split: _OfSplit = None,
) -> Json:
    """Delete a pair by its id, or those of a query, a kind, a split, or of several of them."""
    chosen = PairSelection(pair_id, text, kind, split)
    if chosen.is_all:
        said = "name what to delete: an id, a query, a kind, a split, or several of them"
        raise InvalidRequestError([Violation(said, "query", ("id",))])
    _require_short(text, service_of(request))
    engine = service_of(request).engine
    deleted = await admission_of(request).run(_delete, engine, collection, chosen)
    return Json({"deleted": deleted})


def _require_short(text: str | None, service: Service) -> None:
    """Raise `InvalidRequestError` for a text that no kept query has: it is too long for one."""
    if text is not None:
        require(len(text), service.settings.limits, "max_query_chars", place=("query",))


def _page(
    service: Service, name: str, chosen: PairSelection, after: str | None, limit: int
) -> bytes:
    """A page, encoded; it is less than `limit` where the texts are large."""
    catalog, most = service.engine.catalog, service.settings.limits.max_answer_bytes
    pages, collection = catalog.pairs, catalog.collections.get(name)
    found = pages.page(collection, chosen, after=after, limit=limit, max_chars=most)
    last = found[-1].id if found else None
    more = last is not None and pages.page(collection, chosen, after=last, limit=1)
    shown = [{"id": one.id, **vars(one.pair)} for one in found]
    return encode({"pairs": shown, "next": last if more else None})


def _delete(engine: Engine, name: str, chosen: PairSelection) -> int:
    return engine.catalog.pairs.delete(engine.catalog.collections.get(name), chosen)
