"""`/v1/rerank`, in Cohere's and Jina's shape, and TEI's `/rerank`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any
from uuid import uuid4

from fastapi import Request

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.failures import TextTooLongError
from molt.app.http.interest import run_while_wanted
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.validation import require
from molt.app.routes.rerank.schemas import (
    RankedList,
    RerankDocumentsBody,
    RerankTextsBody,
    ScoredText,
)
from molt.app.routes.tei.endpoints import truncation_headers
from molt.app.service import Service, service_of
from molt.engine.models.rating import Rating
from molt.index.catalog.access.reach import Reach

router = new_router("rerank")

_TOO_LONG: dict[int | str, dict[str, Any]] = {
    413: {"description": "a body, or a text that was not to be cut, is too long"}
}
_NO_MODEL: dict[int | str, dict[str, Any]] = {404: {"description": "no such model"}}


@dataclass(frozen=True)
class RatingQuery:
    """Texts to rate by a model; they stand in `field` of the body that `route` takes."""

    query: str
    texts: Sequence[str]
    model: str
    route: str
    field: str
    whole: bool


@router.post("/v2/rerank", include_in_schema=False)
@router.post(
    "/v1/rerank",
    operation_id="rerank_documents",
    response_model=RankedList,
    responses=_NO_MODEL | _TOO_LONG,
)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def post_rerank(request: Request, body: RerankDocumentsBody) -> Json:
    """Rank documents by their relevance to a query, as Cohere's and Jina's API do."""
    return await _answered(request, partial(_documents, body=body))


@router.post(
    "/rerank",
    operation_id="rerank",
    response_model=list[ScoredText],
    responses=_NO_MODEL | _TOO_LONG | {400: {"description": "tokens in place of texts"}},
)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def post_tei_rerank(request: Request, body: RerankTextsBody) -> Json:
    """Rank texts by their relevance to a query, as text-embeddings-inference does."""
    return await _answered(request, partial(_texts, body=body))


async def _answered(request: Request, work: Callable[[Service, Reach], Json]) -> Json:
    """What `work` makes, unless its client goes away before."""
    rate = partial(work, service_of(request), caller_of(request).reach)
    return await run_while_wanted(request, rate, admission=admission_of(request))


def _documents(service: Service, reach: Reach, *, body: RerankDocumentsBody) -> Json:
    texts = body.texts
    query = RatingQuery(
        query=body.query,
        texts=texts,
        model=service.engine.models.within(body.model, reach),
        route="/v1/rerank",
        field="documents",
        whole=body.whole,
    )
    rating = _rate(service, query)
    scores = rating.scores.tolist()
    results = [
        {"index": at, "relevance_score": scores[at]}
        | ({"document": _returned(body.documents[at])} if body.return_documents else {})
        | ({"truncated": True} if rating.truncated[at] else {})
        for at in rating.best(body.top)
    ]
    answer = {
        "id": uuid4().hex,
        "object": "list",
        "model": rating.checkpoint,
        "results": results,
        "usage": {"prompt_tokens": rating.n_tokens, "total_tokens": rating.n_tokens},
        "meta": {"tokens": {"input_tokens": rating.n_tokens}},
    }
    return Json(encode(answer))


def _texts(service: Service, reach: Reach, *, body: RerankTextsBody) -> Json:
    query = RatingQuery(
        query=body.query,
        texts=body.texts,
        model=service.engine.models.within(body.model, reach),
        route="/rerank",
        field="texts",
        whole=body.whole,
    )
    rating = _rate(service, query)
    scores = (rating.logits if body.raw_scores else rating.scores).tolist()
    ranked = [
        {"index": at, "score": scores[at]} | ({"text": body.texts[at]} if body.return_text else {})
        for at in rating.best()
    ]
    return Json(encode(ranked), headers=truncation_headers(rating.truncated))


def _rate(service: Service, query: RatingQuery) -> Rating:
    """Rate within the limits, and count it. Raises what `Models.rate` raises, and as named."""
    limits = service.settings.limits
    require(len(query.query), limits, "max_query_chars", place=("query",))
    require(len(query.texts), limits, "max_inputs", place=(query.field,))
    size, at = max((len(text), -at) for at, text in enumerate(query.texts))
    require(size, limits, "max_text_chars", place=(query.field, -at))
    started = perf_counter()
    rating = service.engine.models.rate(query.query, query.texts, model=query.model)
    if query.whole:
        _require_whole(rating, query)
    service.metrics.reranked(
        route=query.route,
        kind=rating.kind,
        seconds=perf_counter() - started,
        passages=len(query.texts),
        encoded=rating.n_encoded,
    )
    return rating


def _require_whole(rating: Rating, query: RatingQuery) -> None:
    if rating.query_truncated:
        raise TextTooLongError(("query",), max_length=rating.max_length)
    if len(cut := rating.truncated.nonzero()[0]):
        raise TextTooLongError((query.field, int(cut[0])), max_length=rating.max_length)


def _returned(document: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"text": document} if isinstance(document, str) else document
    return found
