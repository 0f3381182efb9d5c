"""`/`, the search, and `/thumbs`, by which a person says what of it was relevant."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from molt.app.http.admission import Bulkhead
from molt.app.http.auth import Access, allow
from molt.app.http.interest import run_while_wanted
from molt.app.http.route import admission_of
from molt.app.http.scope import KeyScope, require_covered, scoped
from molt.app.http.texts import Id, Words
from molt.app.http.validation import require
from molt.app.pages.frame.page_route import form_of, new_page_router, require_form
from molt.app.pages.frame.rendering import is_partial, viewer_of, write_page
from molt.app.pages.judge.grading import judged_query_id, keep_grade
from molt.app.pages.search.answers import SearchView, search_view
from molt.app.pages.search.state import FieldFilter, SearchState
from molt.app.service import Service, service_of
from molt.engine.engine import Engine
from molt.engine.search.cursor import MAX_CURSOR_CHARS
from molt.engine.search.query import Mode
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.aliases import DEFAULT
from molt.index.catalog.fields import is_blank
from molt.index.catalog.judgments import Query as JudgedQuery

router = new_page_router()

RELEVANT = 1
"""The grade of what got a thumb up; one that points down is the grade 0."""
_RESULTS = "results"
_MOST_FILTERS = 50


class PageParameters(BaseModel):
    """The query string of the search page."""

    model_config = {"extra": "forbid"}

    q: str = ""
    collection: str | None = Field(default=None, max_length=512)
    mode: Mode = "hybrid"
    f: list[str] = Field(default=[], max_length=_MOST_FILTERS)
    sort: str = Field(default="", max_length=1024)
    rerank: Literal["", "tokens", "cross-encoder"] = ""
    cursor: str | None = Field(default=None, max_length=MAX_CURSOR_CHARS)

    @property
    def state(self) -> SearchState:
        """What is asked for."""
        return SearchState(
            q="" if is_blank(self.q) else self.q.strip(),
            collection=self.collection or None,
            mode=self.mode,
            filters=tuple(dict.fromkeys(map(FieldFilter.read, self.f))),
            sort=self.sort,
            rerank=self.rerank,
            cursor=self.cursor or None,
        )


class ThumbForm(BaseModel):
    """That a document is relevant to a query, or is not."""

    q: Words
    collection: str = Field(max_length=512)
    doc_id: Id
    thumb: Literal["up", "down"]


@router.get("/")
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
async def get_search_page(
    request: Request, parameters: Annotated[PageParameters, Query()]
) -> Response:
    """Search, and see what was found."""
    service, state = service_of(request), parameters.state
    reach = require_covered(request, state.collection).reach
    work = partial(_search_page, request, service, state, reach)
    if not state.q:
        return await admission_of(request).run(work)
    # passages may have to be encoded: what a page shows of hits is marked by meaning, too
    return await run_while_wanted(request, work, admission=service.bulkheads[Bulkhead.RERANKS])


@router.post("/thumbs")
@allow(Access.WRITE)
@scoped(KeyScope.FILTERED)
async def post_thumb(request: Request) -> Response:
    """Keep a person's word as a judgment."""
    require_form(request)
    form = form_of(request, ThumbForm)
    service = service_of(request)
    require(len(form.q), service.settings.limits, "max_query_chars", place=("q",))
    engine = service.engine
    name = engine.models.collection_of(form.collection)
    require_covered(request, name)
    return await admission_of(request).run(_thumb, request, engine, name, form)


def known_collections(engine: Engine, reach: Reach) -> list[str]:
    """The collections that somebody may know of, by name."""
    return [one.name for one in engine.catalog.collections.list() if reach.covers(one.name)]


def chosen_collection(names: list[str], given: str | None) -> str | None:
    """The one that is meant: by default `default`, where there is one, else the first."""
    if given is not None:
        return given
    return DEFAULT if DEFAULT in names else next(iter(names), None)


def _search_page(request: Request, service: Service, state: SearchState, reach: Reach) -> Response:
    viewer, engine = viewer_of(request), service.engine
    names = known_collections(engine, reach)
    collection = chosen_collection(names, state.collection)
    state = replace(state, collection=collection)
    view = SearchView(state)
    status = None
    if state.q and collection is not None:
        view = search_view(service, state, judging=viewer.may("write"))
    elif collection is not None:
        status = engine.status(engine.catalog.collections.get(collection))
    context: dict[str, Any] = {
        "here": "/",
        "view": view,
        "state": state,
        "collections": names,
        "status": status,
    }
    template = "results.html" if is_partial(request, _RESULTS) else "search.html"
    return write_page(viewer, template, context)


def _thumb(request: Request, engine: Engine, name: str, form: ThumbForm) -> Response:
    text = form.q.strip()
    grade = RELEVANT if form.thumb == "up" else 0
    query = JudgedQuery(judged_query_id(text), text)
    collection = engine.catalog.collections.get(name)
    keep_grade(engine, collection, query, form.doc_id, grade)
    context = {"q": text, "collection": name, "doc_id": form.doc_id, "grade": grade}
    return write_page(viewer_of(request), "thumbs.html", context)
