"""`/judge`: documents are graded from 0 to 3, by the keyboard, where that teaches most."""

from functools import partial
from typing import Annotated

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from molt.app.http.admission import Bulkhead
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.interest import run_while_wanted
from molt.app.http.route import admission_of, within
from molt.app.http.scope import KeyScope, require_covered, scoped
from molt.app.http.texts import Id, Words
from molt.app.http.validation import require
from molt.app.pages.frame.page_route import form_of, new_page_router, require_form
from molt.app.pages.frame.rendering import viewer_of, write_page
from molt.app.pages.judge.grading import (
    MOST_GRADE,
    PooledQuery,
    differently_ranked,
    judged_query_id,
    judging_split,
    keep_grade,
    most_telling,
    pooled_query,
)
from molt.app.pages.search.endpoints import chosen_collection, known_collections
from molt.app.routes.reports.files import load_report
from molt.app.service import Service, service_of
from molt.engine.engine import Engine
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.fields import is_blank
from molt.index.catalog.judgments import Query as AskedQuery

router = new_page_router()

_LOOKED_AT = 30
"""Queries that are compared with each other at once, each searched for in every mode."""


class JudgeParameters(BaseModel):
    """The query string of the page: a query that is typed, or one that is kept, by its id.

    With `report` those that an evaluation report says to judge first.
    """

    model_config = {"extra": "forbid"}

    q: str = ""
    query: Id | None = None
    collection: str | None = Field(default=None, max_length=512)
    after: Id | None = None
    report: Id | None = None


class GradeForm(BaseModel):
    """How relevant a document is to a query."""

    query_id: Id
    q: Words
    collection: str = Field(max_length=512)
    doc_id: Id
    grade: int = Field(ge=0, le=MOST_GRADE)
    report: Id | None = None


@router.get("/judge")
@allow(Access.WRITE)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def get_judge_page(
    request: Request, parameters: Annotated[JudgeParameters, Query()]
) -> Response:
    """The queries whose grades would teach most, and the documents of one."""
    require_covered(request, parameters.collection)
    work = partial(_page, request, parameters, caller_of(request).reach)
    return await run_while_wanted(request, work, admission=admission_of(request))


@router.post("/judge")
@allow(Access.WRITE)
@scoped(KeyScope.FILTERED)
async def post_grade(request: Request) -> Response:
    """Keep a grade."""
    require_form(request)
    form, service = form_of(request, GradeForm), service_of(request)
    require(len(form.q), service.settings.limits, "max_query_chars", place=("q",))
    engine = service.engine
    name = engine.models.collection_of(form.collection)
    require_covered(request, name)
    return await admission_of(request).run(_grade, request, engine, name, form)


def _page(request: Request, parameters: JudgeParameters, reach: Reach) -> Response:
    service = service_of(request)
    names = known_collections(service.engine, reach)
    name = chosen_collection(names, parameters.collection or None)
    pools: list[PooledQuery] = []
    following = None
    if name is not None:
        pools, following = _pools(service, name, parameters, reach)
    chosen = next((one for one in pools if one.query.id == parameters.query), None)
    chosen = chosen or next(iter(pools), None)
    at = next((at for at, one in enumerate(pools) if one is chosen), 0)
    later = [one for one in (*pools[at + 1 :], *pools[:at]) if one.unjudged]
    context = {
        "here": "/judge",
        "collections": names,
        "collection": name,
        "parameters": parameters,
        "pools": pools,
        "chosen": chosen,
        "next": next(iter(later), None),
        "following": following,
        "latest": None if name is None else _latest_report(service, name),
    }
    return write_page(viewer_of(request), "judge.html", context)


def _pools(
    service: Service, name: str, parameters: JudgeParameters, reach: Reach
) -> tuple[list[PooledQuery], str | None]:
    """What can be graded, and behind which query more are to be looked at."""
    engine = service.engine
    collection = engine.catalog.collections.get(name)
    if not is_blank(parameters.q):
        text = parameters.q.strip()
        require(len(text), service.settings.limits, "max_query_chars", place=("q",))
        return [pooled_query(engine, collection, AskedQuery(judged_query_id(text), text))], None
    if parameters.report is not None:
        body = load_report(service.settings.layout.reports, parameters.report, reach)
        listed = body.get("unjudged", []) if body["facts"]["collection"] == name else []
        return differently_ranked(engine, collection, listed[:_LOOKED_AT]), None
    asked = engine.catalog.judged.queries(collection, after=parameters.after, limit=_LOOKED_AT + 1)
    following = asked[_LOOKED_AT - 1].id if len(asked) > _LOOKED_AT else None
    return most_telling(engine, collection, asked[:_LOOKED_AT]), following


def _latest_report(service: Service, name: str) -> str | None:
    """The report of the candidate that was judged on the collection last, if it is there still."""
    engine = service.engine
    latest = engine.catalog.accounts.latest_report(engine.catalog.collections.get(name))
    there = latest is not None and (service.settings.layout.reports / latest).is_dir()
    return latest if there else None


def _grade(request: Request, engine: Engine, name: str, form: GradeForm) -> Response:
    collection = engine.catalog.collections.get(name)
    query = AskedQuery(form.query_id, form.q.strip())
    split = None if form.report is None else judging_split(engine, collection)
    keep_grade(engine, collection, query, form.doc_id, form.grade, split=split)
    context = {
        "query": query,
        "collection": name,
        "doc_id": form.doc_id,
        "grade": form.grade,
        "parameters": form,
    }
    return write_page(viewer_of(request), "grades.html", context)
