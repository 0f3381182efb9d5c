"""`molt search`: one query, answered in this process by the index as it lies on disk."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from molt.cli.commands.contents.searching import (
    AnswerOption,
    CursorOption,
    FacetOption,
    HighlightOption,
    LikeOption,
    RerankDepthOption,
    RerankModelOption,
    RerankOption,
    SearchFilterOption,
    SearchGroupOption,
    SearchMode,
    SearchModeOption,
    SortOption,
    asked_of_matches,
    parsed_filter,
    parsed_reranking,
    require_subject,
)
from molt.cli.home import existing_home, meant_checkpoint, opened_engine
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing, MarkedText, snippet

if TYPE_CHECKING:
    from molt.engine.search.query import Hit, SearchAnswer, SearchQuery
    from molt.engine.settings import Settings
    from molt.index.segments.matches.facets import FacetCount

SNIPPET_CHARS = 100


def search(  # noqa: PLR0913  each by name
    call: Invocation,
    collection: CollectionArgument,
    query: Annotated[str | None, typer.Argument(help="What to search for.")] = None,
    *,
    like: LikeOption = None,
    k: Annotated[int, typer.Option("-k", min=1, max=10_000, help="How many hits.")] = 10,
    mode: SearchModeOption = SearchMode.HYBRID,
    where: SearchFilterOption = None,
    rerank: RerankOption = None,
    rerank_depth: RerankDepthOption = None,
    rerank_model: RerankModelOption = None,
    facets: FacetOption = None,
    sort: SortOption = None,
    group_by: SearchGroupOption = None,
    highlight: HighlightOption = False,
    answer: AnswerOption = False,
    cursor: CursorOption = None,
) -> None:
    """Search a collection from the shell; no server is needed and none is asked."""
    asked = {"--highlight": highlight, "--answer": answer}
    require_subject(query, like or [], beside=[name for name, given in asked.items() if given])
    settings = existing_home(call)
    from molt.engine.search.cursor import read_cursor
    from molt.engine.search.highlights.fragments import Highlighting
    from molt.engine.search.query import SearchQuery

    model = None if rerank_model is None else meant_checkpoint(settings, rerank_model)
    wanted = SearchQuery(
        query or "",
        collection,
        k=k,
        mode=mode.value,
        where=None if where is None else parsed_filter(where),
        like=tuple(dict.fromkeys(like or ())),
        rerank=parsed_reranking(rerank, rerank_depth, model, has_query=not like),
        **asked_of_matches(facets=facets or [], sort=sort or [], group_by=group_by),
        cursor=None if cursor is None else read_cursor(cursor),
        highlight=Highlighting() if highlight else None,
        answer=answer,
    )
    _show(call, *_searched(settings, wanted), with_answer=answer)


def _searched(settings: "Settings", wanted: "SearchQuery") -> "tuple[SearchAnswer, float]":
    """What is found, and the seconds that it took, loading included."""
    with opened_engine(settings) as engine:
        started = time.perf_counter()
        # however long that takes: nobody else waits for it
        engine.live_collections.refresh(wanted.collection)
        return engine.search(wanted), time.perf_counter() - started


def _show(call: Invocation, found: "SearchAnswer", seconds: float, *, with_answer: bool) -> None:
    from molt.engine.search.answer import describe_answer

    if found.truncated:
        call.note("The query is longer than the model reads; its end changed nothing.")
    if with_answer:
        call.note(_answered(found))
    call.show(describe_answer(found, seconds=seconds), lambda: _listing(found))
    for field, counts in found.facets.items():
        call.note(f"{field}: {_counted(counts)}")
    if found.did_you_mean is not None:
        call.note(f"Did you mean: {found.did_you_mean}")
    for warning in found.warnings:
        call.note(f"Note: {warning}.")


def _counted(counts: "Sequence[FacetCount]") -> str:
    """`acme (12), zeta (3)`; a range by its bounds."""
    return ", ".join(f"{_value(one.value)} ({one.count})" for one in counts) or "nothing"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name} {bound}" for name, bound in value.items())
    return str(value)


def _listing(answer: "SearchAnswer") -> Listing:
    return Listing(
        ("rank", "score", "id", "document"),
        [(hit.rank, f"{hit.score:.4f}", hit.id, _document(hit)) for hit in answer.page.hits],
        empty="No hits.",
    )


def _answered(found: "SearchAnswer") -> str:
    best = found.answer
    if best is None:
        return "No sentence of the best hits is likely to answer."
    return f"Answer, by {best.id} ({best.score:.2f}): {best.text}"


def _document(hit: "Hit") -> object:
    """Its fragments with what is marked in them, or its beginning where there are none."""
    if not hit.highlights:
        return _shown(hit.document.title, hit.document.text)
    text, marks = "", []
    for fragment in hit.highlights:
        of_title = "(title) " if fragment.field == "title" else ""
        text += f"{text and ' '}{of_title}{'… ' if fragment.follows else ''}"
        marks += [(len(text) + mark.start, len(text) + mark.end) for mark in fragment.marks]
        text += f"{fragment.text}{' …' if fragment.goes_on else ''}"
    return MarkedText(text, tuple(marks))


def _shown(title: str, text: str) -> str:
    return snippet(f"{title}: {text}" if title else text, width=SNIPPET_CHARS)
