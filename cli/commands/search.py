"""`molt search`: one query, answered in this process by the index as it lies on disk."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import time
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.home import existing_home, meant_checkpoint, opened_engine
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing, MarkedText, snippet

if TYPE_CHECKING:
    from molt.engine.search.query import Hit, SearchAnswer
    from molt.engine.search.reranks.reranking import WantedReranking
    from molt.index.segments.filters.clauses import Filter
    from molt.index.segments.matches.facets import FacetCount

SNIPPET_CHARS = 100


class SearchMode(StrEnum):
    """What `--mode` takes."""

    HYBRID = "hybrid"
    DENSE = "dense"
    LEXICAL = "lexical"


def search(  # noqa: PLR0913  each by name
    call: Invocation,
    collection: CollectionArgument,
    query: Annotated[str | None, typer.Argument(help="What to search for.")] = None,
    *,
    like: Annotated[
        list[str] | None,
        typer.Option(
            "--like", metavar="ID", help="Find what is like this document, in place of a query."
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=10_000, help="How many hits.")] = 10,
    mode: Annotated[
        SearchMode,
        typer.Option(help="By what documents are found: their meaning, their words or both."),
    ] = SearchMode.HYBRID,
    where: Annotated[
        str | None,
        typer.Option(
            "--filter", metavar="JSON", help='A filter, as {"field": "brand", "eq": "acme"}.'
        ),
    ] = None,
    rerank: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="Look at the best hits again: `tokens` compares token by token, `cross-encoder` "
            "reads query and hit together, `none` does not; by default as the collection was "
            "tuned.",
        ),
    ] = None,
    rerank_depth: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="How many of them; 50 by default.")
    ] = None,
    rerank_model: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="The cross-encoder; by default the one that the collection has."
        ),
    ] = None,
    facets: Annotated[
        list[str] | None,
        typer.Option(
            "--facet",
            metavar="FIELD",
            help="Count the values of a field in all that matches, or the ranges of a JSON object.",
        ),
    ] = None,
    sort: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD", help="Sort by a field; `price:desc` for falling values."),
    ] = None,
    group_by: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Show the first hit of each group alone.")
    ] = None,
    highlight: Annotated[
        bool, typer.Option("--highlight", help="Show where hits answer; words asked for are bold.")
    ] = False,
    answer: Annotated[
        bool, typer.Option("--answer", help="Name the sentence that most likely answers.")
    ] = False,
    cursor: Annotated[
        str | None, typer.Option(help="Go on after the answer that gave it, as JSON does.")
    ] = None,
) -> None:
    """Search a collection from the shell; no server is needed and none is asked."""
    asked = {"--highlight": highlight, "--answer": answer}
    require_subject(query, like or [], beside=[name for name, given in asked.items() if given])
    settings = existing_home(call)
    from molt.engine.search.answer import describe_answer
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
    with opened_engine(settings) as engine:
        started = time.perf_counter()
        # however long that takes: nobody else waits for it
        engine.live_collections.refresh(collection)
        found = engine.search(wanted)
        seconds = time.perf_counter() - started
    if found.truncated:
        call.note("The query is longer than the model reads; its end changed nothing.")
    if answer:
        call.note(_answered(found))
    call.show(describe_answer(found, seconds=seconds), lambda: _listing(found))
    for field, counts in found.facets.items():
        call.note(f"{field}: {_counted(counts)}")
    if found.did_you_mean is not None:
        call.note(f"Did you mean: {found.did_you_mean}")
    for warning in found.warnings:
        call.note(f"Note: {warning}.")


def require_subject(query: str | None, like: Sequence[str], *, beside: Sequence[str]) -> None:
    """Raise `typer.BadParameter` unless one thing is searched for, a query with `beside`."""
    from molt.index.catalog.fields import is_blank

    if bool(like) == (query is not None):
        wrong = "is missing; say what to search for, or --like ID"
        if like:
            wrong = "stands beside --like, which takes its place; leave one of them out"
        raise typer.BadParameter(wrong, param_hint="QUERY")
    if query is not None and is_blank(query):
        raise typer.BadParameter("is empty; say what to search for", param_hint="QUERY")
    if like and beside:
        raise typer.BadParameter("compares sentences with a QUERY", param_hint=beside[0])


def parsed_filter(where: str) -> "Filter":
    """What is given as `--filter`. Raises `FilterError`, or `typer.BadParameter` for no JSON."""
    import orjson

    from molt.index.segments.filters.filter import parse_filter

    try:
        value = orjson.loads(where)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"is not JSON: {error}", param_hint="--filter") from None
    return parse_filter(value)


def parsed_reranking(
    kind: str | None, depth: int | None, model: str | None = None, *, has_query: bool
) -> "WantedReranking":
    """What is given as `--rerank` and beside it; `model` is the id of a checkpoint.

    Raises `typer.BadParameter`.
    """
    from molt.engine.search.reranks.reranking import AS_TUNED
    from molt.index.ranking.reranking import DEFAULT_DEPTH, Reranking, RerankKind

    if model is not None and kind != RerankKind.CROSS_ENCODER:
        raise typer.BadParameter("needs --rerank cross-encoder", param_hint="--rerank-model")
    if kind in {None, "none"}:
        if depth is not None:
            raise typer.BadParameter("needs --rerank KIND", param_hint="--rerank-depth")
        return AS_TUNED if kind is None else None
    if not has_query:
        raise typer.BadParameter("compares documents with a QUERY", param_hint="--rerank")
    if kind not in [*RerankKind]:
        known = ", ".join(["none", *RerankKind])
        raise typer.BadParameter(f"is none of: {known}", param_hint="--rerank")
    return Reranking(RerankKind(kind), depth=depth or DEFAULT_DEPTH, model=model)


def asked_of_matches(
    *, facets: Sequence[str], sort: Sequence[str], group_by: str | None
) -> dict[str, Any]:
    """What `--facet`, `--sort` and `--group-by` ask, as parts of a search. Raises `MatchError`."""
    from molt.index.segments.matches.parsing import parse_facets, parse_group_by, parse_sort

    return {
        "facets": parse_facets([_facet(one) for one in facets]),
        "sort": parse_sort(list(sort)),
        "group_by": None if group_by is None else parse_group_by(group_by),
    }


def _facet(facet: str) -> object:
    """A field, or a JSON object as it is sent over HTTP. Raises `typer.BadParameter`."""
    import orjson

    if not facet.startswith("{"):
        return facet
    try:
        return orjson.loads(facet)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"is not JSON: {error}", param_hint="--facet") from None


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
        text += f"{text and ' '}{'… ' if fragment.follows else ''}"
        marks += [(len(text) + mark.start, len(text) + mark.end) for mark in fragment.marks]
        text += f"{fragment.text}{' …' if fragment.goes_on else ''}"
    return MarkedText(text, tuple(marks))


def _shown(title: str, text: str) -> str:
    return snippet(f"{title}: {text}" if title else text, width=SNIPPET_CHARS)
