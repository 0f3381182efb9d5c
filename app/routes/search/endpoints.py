"""`GET` and `POST /search`, and `POST /collections/{collection}/search`."""

import time
from functools import partial
from typing import Annotated, Any

from fastapi import Query, Request

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.interest import run_while_wanted
from molt.app.http.route import admission_of, new_router
from molt.app.http.scope import CollectionPlace, named_in, resolve_body
from molt.app.http.texts import CollectionPath
from molt.app.http.validation import require
from molt.app.routes.search.highlights import HighlightBody, highlighting_of, with_query
from molt.app.routes.search.liking import wanted_of
from molt.app.routes.search.matches import facets_of
from molt.app.routes.search.reranking import RERANK_PARAMETERS, reranking_of, with_checkpoint
from molt.app.routes.search.schemas import LikeBody, SearchBody, SearchParameters, SearchResult
from molt.app.service import Service, service_of
from molt.engine.search.answer import describe_answer
from molt.engine.search.cursor import Cursor, read_cursor
from molt.engine.search.query import SearchAnswer, SearchQuery
from molt.engine.search.reranks.reranking import AS_TUNED, WantedReranking
from molt.engine.sections import LimitSettings
from molt.index.catalog.access.reach import Reach
from molt.index.segments.filters.clauses import Filter
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.matches.parsing import parse_group_by, parse_sort

router = new_router("search")

_AS_TYPED = "/"
"""The page that searches with every letter, and sends no events: nothing is learnt from that."""
_IN_COLLECTION = "/collections/{collection}/search"
_NOWHERE: dict[int | str, dict[str, Any]] = {404: {"description": "no such collection"}}


@router.post(
    "/search",
    operation_id="search",
    response_model=SearchResult,
    responses=_NOWHERE,
)
@allow(Access.READ)
@named_in(CollectionPlace.BODY)
async def post_search(request: Request, body: SearchBody) -> Json:
    """Rank the documents of a collection by what they mean and by their words."""
    return await _answered(request, body, route="/search")


@router.post(
    _IN_COLLECTION,
    operation_id="search_collection",
    response_model=SearchResult,
    responses=_NOWHERE,
)
@allow(Access.READ)
@named_in(CollectionPlace.PATH)
async def post_collection_search(
    request: Request, collection: CollectionPath, body: SearchBody
) -> Json:
    """Rank the documents of the collection in the path; a body need not name it again."""
    resolve_body(body, service_of(request).engine.models.collection_of)
    if "collection" in body.model_fields_set and body.collection != collection:
        wrong = "is another than the one in the path; leave it out"
        raise InvalidRequestError([Violation(wrong, "body", ("collection",))])
    own = body.model_copy(update={"collection": collection})
    return await _answered(request, own, route=_IN_COLLECTION)


@router.get(
    "/search",
    operation_id="search_by_url",
    response_model=SearchResult,
    responses=_NOWHERE,
)
@allow(Access.READ)
@named_in(CollectionPlace.QUERY)
async def get_search(request: Request, parameters: Annotated[SearchParameters, Query()]) -> Json:
    """Rank the documents of a collection; for more than these parameters use POST."""
    if (parameters.q is None) is not bool(parameters.like):
        raise InvalidRequestError([_unasked(parameters)])
    apart = {"q", "like", *RERANK_PARAMETERS, "highlight"}
    given = parameters.model_dump(exclude=apart, exclude_unset=True)
    if (rerank := parameters.reranking()) is not None:
        given["rerank"] = rerank
    like = LikeBody(ids=parameters.like) if parameters.like else None
    highlight = HighlightBody() if parameters.highlight else None
    body = SearchBody(query=parameters.q, like=like, highlight=highlight, **given)
    return await _answered(request, body, route="/search")


def _unasked(parameters: SearchParameters) -> Violation:
    if parameters.like:
        return Violation("stands in place of `q`; send one of them", "query", ("like",))
    missing = "is missing; say what to search for, or send `like` in its place"
    return Violation(missing, "query", ("q",))


async def _answered(request: Request, body: SearchBody, *, route: str) -> Json:
    """The answer; one for which passages may have to be encoded keeps no plain one waiting."""
    service = service_of(request)
    reach = caller_of(request).reach
    work = partial(answer_search, service, body, route=route, reach=reach)
    if not (body.highlight or body.answer or body.explain or _reranks(service, body)):
        return Json(await admission_of(request).run(work))
    admission = service.bulkheads[Bulkhead.RERANKS]
    return Json(await run_while_wanted(request, work, admission=admission))


def _reranks(service: Service, body: SearchBody) -> bool:
    """Will it be re-ranked, because it asks for that or leaves it to what was tuned?"""
    if "rerank" in body.model_fields_set:
        return body.rerank is not None
    if running := service.engine.experimenter.running.get(body.collection):
        return running.reranks
    return service.engine.searcher.reranks(body.collection, mode=body.mode)


def answer_search(service: Service, body: SearchBody, *, route: str, reach: Reach) -> bytes:
    """The answer to one search, counted for `route`. Runs in a request thread.

    A model that is named has to be within `reach`. Raises `InvalidRequestError` and what the
    engine does.
    """
    started = time.perf_counter()
    query = query_of(body, service.settings.limits)
    query = with_checkpoint(query, service.engine.models, reach)
    answer = _compared(service, body, query) or service.engine.search(query)
    service.metrics.searched(answer, route=route)
    if (done := answer.reranked) is not None:
        service.metrics.reranked(
            route=route,
            kind=done.wanted.kind,
            seconds=answer.seconds["rerank"],
            passages=done.n_candidates,
            encoded=done.n_encoded,
        )
    if answer.looked is not None:
        service.metrics.highlighted(answer.looked)
    seconds = time.perf_counter() - started
    described = describe_answer(answer, seconds=seconds, include=body.include)
    if route != _AS_TYPED:
        service.engine.recorder.note(described["query_id"], query, answer, conditions=body.filter)
    return encode(described)


def _compared(service: Service, body: SearchBody, query: SearchQuery) -> SearchAnswer | None:
    """The answer of both arms of an experiment, where the search takes part in one."""
    experimenter = service.engine.experimenter
    if not experimenter.running or "mode" in body.model_fields_set:
        return None
    return experimenter.search(query, service.engine.searcher.search_pair, client=body.client_id)


def query_of(body: SearchBody, limits: LimitSettings) -> SearchQuery:
    """What a body asks of the engine. Raises `InvalidRequestError` and `FilterError`."""
    wanted = wanted_of(body, limits)
    require(body.k, limits, "max_k", place=("k",))
    cursor, has_query = _cursor(body), body.query is not None
    counted = body.offset if cursor is None or not cursor.counts else cursor.rank
    _check_window(counted, body, limits)
    return SearchQuery(
        text=wanted.text,
        like=wanted.ids,
        input_type=wanted.input_type,
        boosts=None if body.boosts is None else tuple(one.meant for one in body.boosts),
        collection=body.collection,
        k=body.k,
        offset=body.offset,
        mode=body.mode,
        where=_filter(body, limits),
        min_score=body.min_score,
        max_chars=limits.max_answer_bytes,
        rerank=_reranking(body, limits),
        facets=facets_of(body.facets, limits),
        sort=parse_sort(body.sort),
        group_by=None if body.group_by is None else parse_group_by(body.group_by),
        cursor=cursor,
        highlight=highlighting_of(body.highlight, has_query=has_query),
        answer=with_query(body.answer, "answer", has_query=has_query),
        explain=with_query(body.explain, "explain", has_query=has_query),
    )


def _reranking(body: SearchBody, limits: LimitSettings) -> WantedReranking:
    """What a body says, or what the collection was tuned to where it says nothing."""
    if "rerank" not in body.model_fields_set:
        return AS_TUNED
    return reranking_of(body.rerank, limits, has_query=body.query is not None)


def _check_window(offset: int, body: SearchBody, limits: LimitSettings) -> None:
    if offset + body.k > limits.max_window:
        detail = (
            f"hits {offset + 1} to {offset + body.k} are asked for (offset {offset}, k {body.k}); "
            f"the setting limits.max_window allows the first {limits.max_window}"
        )
        name = "offset" if body.cursor is None else "cursor"
        raise InvalidRequestError([Violation(detail, "body", (name,))])


def _cursor(body: SearchBody) -> Cursor | None:
    if body.cursor is None:
        return None
    if body.offset:
        raise InvalidRequestError([Violation("stands for `offset`; send one", "body", ("cursor",))])
    return read_cursor(body.cursor)


def _filter(body: SearchBody, limits: LimitSettings) -> Filter | None:
    if body.filter is None:
        return None
    return parse_filter(body.filter, max_nodes=limits.max_filter_nodes)
