"""`GET /suggest`."""

import time
from typing import Annotated, Any

from fastapi import Query, Request
from pydantic import BaseModel, Field

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.route import admission_of, new_router
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import Name, Words
from molt.app.http.validation import WHOLE, require
from molt.app.service import Service, service_of

router = new_router("search")

MOST_SUGGESTED = 100


class SuggestParameters(BaseModel):
    """The query string of `GET /suggest`."""

    model_config = {"extra": "forbid", "allow_inf_nan": False}

    q: Words = Field(description="what has been typed so far")
    collection: Name = "default"
    k: Annotated[int, Field(ge=1, le=MOST_SUGGESTED), WHOLE] = 10


class SuggestionState(BaseModel):
    """A text to go on with; `count` documents have the title, or users asked the query."""

    text: str
    kind: str = Field(json_schema_extra={"enum": ["title", "query"]})
    count: int


class SuggestResult(BaseModel):
    """The best first; not `complete` while they are made for the first time."""

    suggestions: list[SuggestionState]
    complete: bool
    took_ms: float


@router.get(
    "/suggest",
    operation_id="suggest",
    response_model=SuggestResult,
    responses={404: {"description": "no such collection"}},
)
@allow(Access.READ)
@named_in(CollectionPlace.QUERY)
async def get_suggest(request: Request, parameters: Annotated[SuggestParameters, Query()]) -> Json:
    """Say how a query that is being typed may go on."""
    service = service_of(request)
    return Json(await admission_of(request).run(_suggest, service, parameters))


def _suggest(service: Service, asked: SuggestParameters) -> dict[str, Any]:
    started = time.perf_counter()
    require(len(asked.q), service.settings.limits, "max_query_chars", place=("q",))
    answer = service.engine.suggester.suggest(asked.collection, asked.q, k=asked.k)
    return {
        "suggestions": [vars(one) for one in answer.found],
        "complete": answer.complete,
        "took_ms": round(1000 * (time.perf_counter() - started), 3),
    }
