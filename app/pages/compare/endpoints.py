"""`/compare`: up to four rankings of one query, side by side, and why a document moved in one.

The URL holds all of it.
"""

from functools import partial
from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from molt.app.http.admission import Bulkhead
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.failures import ForbiddenError, InvalidRequestError, Violation
from molt.app.http.interest import run_while_wanted
from molt.app.http.route import admission_of, within
from molt.app.http.scope import KeyScope, require_covered, scoped
from molt.app.http.texts import Id, Words
from molt.app.pages.compare.columns import (
    COMPARED_COLUMNS,
    ColumnChoice,
    ComparedColumn,
    choices,
    column_query,
    compared,
)
from molt.app.pages.frame.page_route import new_page_router
from molt.app.pages.frame.rendering import viewer_of, write_page
from molt.app.pages.search.endpoints import chosen_collection, known_collections
from molt.app.service import service_of
from molt.engine.engine import Engine
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.fields import is_blank
from molt.index.errors import CollectionNotFoundError
from molt.index.generations.description import describe_generations
from molt.index.ranking.reranking import RerankKind

router = new_page_router()

_USUAL = ("hybrid", "dense", "lexical")
_MAX_CHARS = 200


class CompareParameters(BaseModel):
    """The query string of the comparison."""

    model_config = {"extra": "forbid"}

    q: str = ""
    collection: str | None = Field(default=None, max_length=512)
    c: list[Annotated[str, Field(max_length=_MAX_CHARS)]] = Field(
        default=list(_USUAL), max_length=COMPARED_COLUMNS
    )


class ChangeParameters(BaseModel):
    """The query string of what moved a document between two columns."""

    model_config = {"extra": "forbid"}

    q: Words
    collection: str = Field(max_length=512)
    id: Id
    c: list[Annotated[str, Field(max_length=_MAX_CHARS)]] = Field(min_length=2, max_length=2)


@router.get("/compare")
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def get_compare_page(
    request: Request, parameters: Annotated[CompareParameters, Query()]
) -> Response:
    """Rank a query in several ways, and show what moved."""
    require_covered(request, parameters.collection)
    chosen = _chosen(request, parameters.c)
    reach = caller_of(request).reach
    work = partial(_page, request, parameters, chosen, reach)
    return await run_while_wanted(request, work, admission=admission_of(request))


@router.get("/compare/why")
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def get_change_page(
    request: Request, parameters: Annotated[ChangeParameters, Query()]
) -> Response:
    """Tell which words moved a document from the first of two columns to the second."""
    require_covered(request, parameters.collection)
    chosen = _chosen(request, parameters.c)
    work = partial(_change_page, request, parameters, chosen)
    return await run_while_wanted(request, work, admission=admission_of(request))


def _chosen(request: Request, written: list[str]) -> list[ColumnChoice]:
    """The columns that are asked for. Raises `InvalidRequestError` and `ForbiddenError`."""
    chosen = [ColumnChoice.read(one) for one in written if one]
    if any(one.generation for one in chosen) and not viewer_of(request).may("admin"):
        raise ForbiddenError("searching a generation that does not serve needs the role admin")
    return chosen


def _change_page(
    request: Request, parameters: ChangeParameters, chosen: list[ColumnChoice]
) -> Response:
    service, text = service_of(request), parameters.q.strip()
    collection = parameters.collection
    asked = [
        (column_query(service, one, text=text, collection=collection), one.generation)
        for one in chosen
    ]
    if len(asked) != 2:
        raise InvalidRequestError([Violation("has to name two columns", "query", ("c",))])
    before, now = asked
    change = service.engine.searcher.why_changed(before, now, doc_id=parameters.id)
    context = {
        "here": "/compare",
        "q": text,
        "collection": collection,
        "chosen": chosen,
        "change": change,
        "one": next((each.describe() for each in change.documents), None),
    }
    return write_page(viewer_of(request), "compare_why.html", context)


def _page(
    request: Request, parameters: CompareParameters, chosen: list[ColumnChoice], reach: Reach
) -> Response:
    service, viewer = service_of(request), viewer_of(request)
    names = known_collections(service.engine, reach)
    collection = chosen_collection(names, parameters.collection or None)
    text = "" if is_blank(parameters.q) else parameters.q.strip()
    columns: list[ComparedColumn] = []
    if text and collection is not None:
        columns = compared(service, chosen, text=text, collection=collection)
    others = _others(service.engine, collection) if viewer.may("admin") and collection else {}
    kinds = _kinds(service.engine, collection) if collection else ()
    context = {
        "here": "/compare",
        "q": text,
        "collections": names,
        "collection": collection,
        "columns": columns,
        "chosen": [one.written for one in chosen],
        "most": COMPARED_COLUMNS,
        "choices": choices([*others], kinds),
        "generations": others,
    }
    return write_page(viewer, "compare.html", context)


def _kinds(engine: Engine, name: str) -> tuple[RerankKind, ...]:
    """By what a collection can be re-ranked; of one that is not there the search tells."""
    try:
        return engine.searcher.rerank_kinds(engine.catalog.collections.get(name))
    except CollectionNotFoundError:
        return ()


def _others(engine: Engine, name: str) -> dict[str, str]:
    """The sound generations of a collection that do not serve, newest first, and when of."""
    found = describe_generations(engine.generations, [engine.catalog.collections.get(name)])
    return {
        one["id"]: f"{one['id'][:8]}, checkpoint {one['checkpoint'][:8]}"
        for one in found[::-1]
        if one["collection"] == name and not one["active"] and "problem" not in one
    }
