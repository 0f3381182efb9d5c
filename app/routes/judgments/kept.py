"""What is kept of relevance: listed, counted and deleted."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any

import orjson
from fastapi import Query, Request

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import CollectionPath, Id
from molt.app.routes.judgments.schemas import (
    DeletedJudgments,
    DeletedQueries,
    JudgmentPage,
    QueryPage,
    RelevanceCounts,
)
from molt.app.service import Service, service_of
from molt.engine.engine import Engine
from molt.index.catalog.judging.pages import NO_SPLIT, Selection
from molt.index.catalog.judgments import Judgment, PairKind

router = new_router("judgments")

_MAX_PAGE = 1000
_NO_COLLECTION: dict[int | str, dict[str, Any]] = {404: {"description": "no such collection"}}
_OfQuery = Annotated[Id | None, Query(description="only those of the query of this id")]
_OfSplit = Annotated[
    Id | None,
    Query(description=f"train, dev, test or another name; `{NO_SPLIT}` for those without a split"),
]
_OfSource = Annotated[
    Id | None, Query(description="only those learnt from this: `clicks`, by `molt learn`")
]
_After = Annotated[str | None, Query(max_length=8192, description="the `next` of the page before")]
_Limit = Annotated[int, Query(ge=1, le=_MAX_PAGE)]


@router.get(
    "/collections/{collection}/judgments",
    operation_id="list_judgments",
    response_model=JudgmentPage,
    responses=_NO_COLLECTION,
)
@allow(Access.READ)
@named_in(CollectionPlace.PATH)
@within(Bulkhead.BULK)
async def get_judgments(  # noqa: PLR0913  the framework reads parameters from the signature
    request: Request,
    collection: CollectionPath,
    *,
    query: _OfQuery = None,
    split: _OfSplit = None,
    source: _OfSource = None,
    after: _After = None,
    limit: _Limit = 100,
) -> Json:
    """Page through judgments in the order of their query ids and document ids."""
    engine = service_of(request).engine
    place = None if after is None else _read_place(after)
    chosen = Selection(query, split, source)
    return Json(await admission_of(request).run(_page, engine, collection, chosen, place, limit))


@router.get(
    "/collections/{collection}/judgments/counts",
    operation_id="count_judgments",
    response_model=RelevanceCounts,
    responses=_NO_COLLECTION,
)
@allow(Access.READ)
@named_in(CollectionPlace.PATH)
@within(Bulkhead.BULK)
async def get_counts(request: Request, collection: CollectionPath) -> Json:
    """Count queries, judgments and pairs, and the judgments that name nothing that is there."""
    engine = service_of(request).engine
    return Json(await admission_of(request).run(_count, engine, collection))


@router.delete(
    "/collections/{collection}/judgments",
    operation_id="delete_judgments",
    response_model=DeletedJudgments,
    responses=_NO_COLLECTION,
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
async def delete_judgments(
    request: Request,
    collection: CollectionPath,
    *,
    query: _OfQuery = None,
    split: _OfSplit = None,
    source: _OfSource = None,
) -> Json:
    """Delete the judgments of a query, of a split, or learnt from a source."""
    chosen = Selection(query, split, source)
    if chosen.is_all:
        said = "name what to delete: a query, a split, a source, or several"
        raise InvalidRequestError([Violation(said, "query", ("query",))])
    engine = service_of(request).engine
    deleted = await admission_of(request).run(_delete_judgments, engine, collection, chosen)
    return Json({"deleted": deleted})


@router.get(
    "/collections/{collection}/queries",
    operation_id="list_queries",
    response_model=QueryPage,
    responses=_NO_COLLECTION,
)
@allow(Access.READ)
@named_in(CollectionPlace.PATH)
@within(Bulkhead.BULK)
async def get_queries(
    request: Request,
    collection: CollectionPath,
    *,
    split: _OfSplit = None,
    after: Annotated[Id | None, Query(description="the `next` of the page before")] = None,
    limit: _Limit = 100,
) -> Json:
    """Page through queries in the order of their ids; of a split, those that are judged in it."""
    service = service_of(request)
    run = admission_of(request).run
    return Json(await run(_query_page, service, collection, split, after, limit))


@router.delete(
    "/collections/{collection}/queries",
    operation_id="delete_query",
    response_model=DeletedQueries,
    responses=_NO_COLLECTION,
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
async def delete_query(
    request: Request,
    collection: CollectionPath,
    query_id: Annotated[Id, Query(alias="id", description="the id of the query")],
) -> Json:
    """Delete a query with its judgments."""
    engine = service_of(request).engine
    return Json(await admission_of(request).run(_delete_query, engine, collection, query_id))


def _page(
    engine: Engine, name: str, chosen: Selection, after: tuple[str, str] | None, limit: int
) -> bytes:
    collection = engine.catalog.collections.get(name)
    found = engine.catalog.judged.judgments(collection, chosen, after=after, limit=limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    return encode(
        {
            "judgments": [vars(one) for one in shown],
            "next": _write_place(shown[-1]) if more else None,
        }
    )


def _count(engine: Engine, name: str) -> dict[str, Any]:
    collection = engine.catalog.collections.get(name)
    kept = engine.catalog.judgments
    counts = kept.counts(collection)
    splits = [{"split": name, "judgments": count} for name, count in counts.splits.items()]
    return {
        "queries": counts.queries,
        "judgments": counts.judgments,
        "pairs": counts.pairs,
        "pair_kinds": {kind.value: counts.pair_kinds.get(kind, 0) for kind in PairKind},
        "splits": splits,
        "unknown_queries": kept.unknown_queries(collection).judgments,
        "unknown_documents": kept.unknown_documents(collection).judgments,
    }


def _delete_judgments(engine: Engine, name: str, chosen: Selection) -> int:
    collection = engine.catalog.collections.get(name)
    return engine.catalog.judged.delete_judgments(collection, chosen)


def _query_page(
    service: Service, name: str, split: str | None, after: str | None, limit: int
) -> bytes:
    """A page, encoded; it is less than `limit` where the queries are large."""
    catalog, most = service.engine.catalog, service.settings.limits.max_answer_bytes
    pages, collection = catalog.judged, catalog.collections.get(name)
    found = pages.queries(collection, split=split, after=after, limit=limit, max_chars=most)
    last = found[-1].id if found else None
    more = last is not None and pages.queries(collection, split=split, after=last, limit=1)
    return encode({"queries": [vars(one) for one in found], "next": last if more else None})


def _delete_query(engine: Engine, name: str, query_id: str) -> dict[str, int]:
    collection = engine.catalog.collections.get(name)
    queries, judgments = engine.catalog.judged.delete_queries(collection, [query_id])
    return {"deleted": queries, "judgments": judgments}


def _write_place(last: Judgment) -> str:
    place = orjson.dumps([last.query_id, last.doc_id])
    return urlsafe_b64encode(place).decode().rstrip("=")


def _read_place(after: str) -> tuple[str, str]:
    """The ids that a page ended with. Raises `InvalidRequestError` for what no page ended with."""
    try:
        padded = after.encode("ascii") + b"=" * (-len(after) % 4)
        query_id, doc_id = orjson.loads(urlsafe_b64decode(padded))
    except (ValueError, TypeError, binascii.Error):
        query_id = doc_id = None
    if not isinstance(query_id, str) or not isinstance(doc_id, str):
        said = "is no place where a page ended; pass the `next` of the page before as it is"
        raise InvalidRequestError([Violation(said, "query", ("after",))])
    return query_id, doc_id
