"""Searching from the shell: the options that say what is searched for, and how they are read."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from molt.engine.search.reranks.reranking import WantedReranking
    from molt.index.segments.filters.clauses import Filter


class SearchMode(StrEnum):
    """What `--mode` takes."""

    HYBRID = "hybrid"
    DENSE = "dense"
    LEXICAL = "lexical"


LikeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--like", metavar="ID", help="Find what is like this document, in place of a query."
    ),
]
SearchModeOption = Annotated[
    SearchMode,
    typer.Option(help="By what documents are found: their meaning, their words or both."),
]
SearchFilterOption = Annotated[
    str | None,
    typer.Option("--filter", metavar="JSON", help='A filter, as {"field": "brand", "eq": "acme"}.'),
]
RerankOption = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help="Look at the best hits again: `tokens` compares token by token, `cross-encoder` "
        "reads query and hit together, `none` does not; by default as the collection was tuned.",
    ),
]
RerankDepthOption = Annotated[
    int | None, typer.Option(min=1, max=10_000, help="How many of them; 50 by default.")
]
RerankModelOption = Annotated[
    str | None,
    typer.Option(
        metavar="ID", help="The cross-encoder; by default the one that the collection has."
    ),
]
FacetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--facet",
        metavar="FIELD",
        help="Count the values of a field in all that matches, or the ranges of a JSON object.",
    ),
]
SortOption = Annotated[
    list[str] | None,
    typer.Option(metavar="FIELD", help="Sort by a field; `price:desc` for falling values."),
]
SearchGroupOption = Annotated[
    str | None, typer.Option(metavar="FIELD", help="Show the first hit of each group alone.")
]
HighlightOption = Annotated[
    bool, typer.Option("--highlight", help="Show where hits answer; words asked for are bold.")
]
AnswerOption = Annotated[
    bool, typer.Option("--answer", help="Name the sentence that most likely answers.")
]
CursorOption = Annotated[
    str | None, typer.Option(help="Go on after the answer that gave it, as JSON does.")
]


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
    from molt.index.segments.filters.filter import parse_filter

    return parse_filter(_json(where, "--filter"))


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
    """A field, or a JSON object as it is sent over HTTP."""
    return _json(facet, "--facet") if facet.startswith("{") else facet


def _json(value: str, option: str) -> object:
    """The JSON that an option is given as. Raises `typer.BadParameter`."""
    import orjson

    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"is not JSON: {error}", param_hint=option) from None


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
