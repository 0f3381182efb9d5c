"""`molt explain`: why a document is where it is for a query, or is not among the hits."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from molt.cli.commands.contents.changes import changes_listing
from molt.cli.commands.contents.searching import (
    RerankDepthOption,
    RerankModelOption,
    RerankOption,
    SearchFilterOption,
    SearchMode,
    SearchModeOption,
    parsed_filter,
    parsed_reranking,
    require_subject,
)
from molt.cli.home import existing_home, meant_checkpoint, opened_engine
from molt.cli.invocation import CollectionArgument, Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from molt.engine.explaining.standing import DocumentStanding
    from molt.engine.search.query import SearchQuery
    from molt.engine.settings import Settings

AgainstOption = Annotated[
    str | None,
    typer.Option(
        metavar="GENERATION",
        help="Show what moved since this generation, by its id or how that alone begins.",
    ),
]
_Row = tuple[str, object, str, str, str]


def explain(  # noqa: PLR0913  each by name
    call: Invocation,
    collection: CollectionArgument,
    query: Annotated[str, typer.Argument(help="What is searched for.")],
    doc_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="A document; without it, the best hit.")
    ] = None,
    *,
    k: Annotated[int, typer.Option("-k", min=1, max=10_000, help="How many hits count.")] = 10,
    mode: SearchModeOption = SearchMode.HYBRID,
    where: SearchFilterOption = None,
    rerank: RerankOption = None,
    rerank_depth: RerankDepthOption = None,
    rerank_model: RerankModelOption = None,
    against: AgainstOption = None,
) -> None:
    """Show what makes up the score of a document, and what keeps it from the first hits.

    With `--against`, what moved since another generation served, and which words moved it.
    """
    require_subject(query, (), beside=())
    settings = existing_home(call)
    from molt.engine.search.query import SearchQuery

    model = None if rerank_model is None else meant_checkpoint(settings, rerank_model)
    asked = SearchQuery(
        query,
        collection,
        k=k,
        mode=mode.value,
        where=None if where is None else parsed_filter(where),
        rerank=parsed_reranking(rerank, rerank_depth, model, has_query=True),
    )
    if against is not None:
        _show_change(call, settings, asked, against, doc_id)
        return
    with opened_engine(settings) as engine:
        engine.live_collections.refresh(collection)
        if doc_id is None:
            hits = engine.search(asked).page.hits
            doc_id = hits[0].id if hits else None
        standing = None if doc_id is None else engine.searcher.explain(asked, doc_id)
    told = None if standing is None else standing.describe()
    call.show({"query": query, "document": told}, lambda: _listing(standing))
    for reason in () if standing is None else standing.reasons:
        call.note(f"Note: {reason}.")


def _show_change(
    call: Invocation, settings: "Settings", asked: "SearchQuery", against: str, doc_id: str | None
) -> None:
    from molt.index.generations.active import meant_generation

    with opened_engine(settings) as engine:
        engine.live_collections.refresh(asked.collection)
        meant = meant_generation(engine.catalog, against, engine.generations.ids()) or against
        change = engine.searcher.why_changed((asked, meant), (asked, None), doc_id=doc_id)
    call.show({"query": asked.text} | change.describe(), lambda: changes_listing(change))
    if change.before == change.now:
        call.note(f"Note: generation {change.now} is the one that serves; nothing can differ.")
    for one in change.documents:
        if one.score.difference is None:
            where = "what serves" if one.score.now is None else f"generation {change.before}"
            call.note(f"Note: {one.id} cannot be found in {where}; nothing can be subtracted.")


def _listing(standing: "DocumentStanding | None") -> Listing:
    rows = [] if standing is None else list(_rows(standing))
    return Listing(("document", "rank", "part", "what", "score"), rows, empty="No hits.")


def _rows(standing: "DocumentStanding") -> Iterator[_Row]:
    explanation = standing.explanation or {}
    told = [
        ("score", "", standing.score),
        *(("part", name, score) for name, score in explanation.get("parts", {}).items()),
        *_dense_rows(explanation.get("dense")),
        *_lexical_rows(explanation.get("lexical")),
        *_rerank_rows(explanation.get("rerank")),
        (f"hit {standing.k}", "the last one's score", standing.last_score),
    ]
    for part, what, score in told:
        if score is not None:
            yield standing.id, standing.rank, part, what, f"{score:.4f}"


_Told = tuple[str, str, float | None]


def _dense_rows(dense: Mapping[str, Any] | None) -> Iterator[_Told]:
    if dense is None:
        return
    yield "by meaning", dense["method"].replace("_", " "), dense["score"]
    for side in ("query", "passage"):
        for word in dense[side]["words"]:
            yield f"  {side}", word["text"], word["score"]
        yield f"  {side}", "(tokens that the model adds)", dense[side]["special"]
        yield f"  {side}", "(others)", dense[side]["others"]
    for pair in dense["pairs"]:
        yield "  pair", f"{pair['query']} ~ {pair['passage']}", pair["score"]
    yield "  rest", "(served vectors differ by)", dense["rest"]


def _lexical_rows(lexical: Mapping[str, Any] | None) -> Iterator[_Told]:
    if lexical is None:
        return
    yield "by words", "BM25", lexical["score"]
    for word in lexical["words"]:
        field = f"{word['field']}:" if word["field"] else ""
        yield "  word", f"{field}{word['text']} (in {word['rows']})", word["score"]
    yield "  rest", "(not of single words)", lexical["rest"]


def _rerank_rows(rerank: Mapping[str, Any] | None) -> Iterator[_Told]:
    if rerank is not None:
        named = "" if rerank["model"] is None else f" {rerank['model']}"
        yield "again", f"by {rerank['kind']}{named}", rerank["score"]
