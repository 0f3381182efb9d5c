"""Standing: where one document stands for a query, and what keeps it from standing higher."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from molt.engine.explaining.explainer import Explainer
from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidate, Stopwatch
from molt.engine.search.curating import without_hidden
from molt.engine.search.lexical import words_of
from molt.engine.search.pipeline import Pipeline
from molt.engine.search.query import Hit, SearchQuery
from molt.engine.search.reranks.reranking import as_tuned
from molt.index.catalog.catalog import Catalog
from molt.index.errors import DocumentNotFoundError
from molt.index.segments.filters.clauses import All
from molt.index.segments.filters.filter import parse_filter

WINDOW = 10_000
"""So far down a ranking a document is looked for."""


@dataclass(frozen=True)
class DocumentStanding:
    """Where a document stands: `rank` from 1 on, None where it is not among those looked at.

    `scores` are what each retriever gives it, where it finds it at all. `last_score` is that of the
    last hit which is shown, the `k`-th. `reasons` say why it is not among them.
    """

    id: str
    rank: int | None
    score: float | None
    scores: Mapping[str, float]
    k: int
    last_score: float | None
    reasons: tuple[str, ...] = ()
    explanation: Mapping[str, Any] | None = None

    def describe(self) -> dict[str, Any]:
        """It as JSON."""
        return vars(self) | {"scores": dict(self.scores), "reasons": list(self.reasons)}


def find_standing(
    query: SearchQuery, doc_id: str, *, live: Live, catalog: Catalog, pipeline: Pipeline
) -> DocumentStanding:
    """Where a document stands for a query, before anything is pinned.

    Raises `DocumentNotFoundError`, and what a search for the query would raise.
    """
    query = as_tuned(query, live)
    query = replace(query, words=words_of(query, live, Stopwatch()))
    ordinal = catalog.documents.ordinals(live.collection, [doc_id]).get(doc_id)
    stored = {} if ordinal is None else catalog.documents.hydrate(live.collection, [ordinal])
    if ordinal is None or ordinal not in stored:
        raise DocumentNotFoundError(f"{live.collection.name!r} has no document {doc_id[:80]!r}")
    ranking = _ranked(pipeline, without_hidden(query, live), live, depth=max(WINDOW, query.k))
    place = next((at for at, one in enumerate(ranking) if one.ordinal == ordinal), None)
    alone = found_alone(
        pipeline, replace(query, where=None, min_score=None, rerank=None), doc_id, live
    )
    found = alone if place is None else ranking[place]
    last = ranking[min(query.k, len(ranking)) - 1].score if ranking else None
    standing = DocumentStanding(
        doc_id,
        None if place is None else place + 1,
        None if place is None else ranking[place].score,
        {} if found is None else found.scores,
        query.k,
        last,
    )
    if found is not None:
        hit = Hit(doc_id, found.score, 0, stored[ordinal].document, found.passage, found.scores)
        (explanation,) = Explainer(catalog)(query, live, [hit])
        standing = replace(standing, explanation=explanation)
    if standing.rank is not None and standing.rank <= query.k:
        return standing
    is_kept = alone is not None and (
        query.where is None or found_alone(pipeline, query, doc_id, live) is not None
    )
    return replace(standing, reasons=tuple(_reasons(query, live, standing, alone, is_kept=is_kept)))


def _ranked(
    pipeline: Pipeline, query: SearchQuery, live: Live, *, depth: int
) -> Sequence[Candidate]:
    return pipeline.ranked(query, live, depth=depth, watch=Stopwatch()).ranking


def found_alone(
    pipeline: Pipeline, query: SearchQuery, doc_id: str, live: Live
) -> Candidate | None:
    """The document as it is found where nothing but it may be, None where it is not at all."""
    itself = parse_filter({"field": "id", "in": [doc_id]})
    where = itself if query.where is None else All((query.where, itself))
    if live.snapshot is None or not live.snapshot.field_kinds(itself).complete:
        return None
    alone = replace(query, where=where, min_score=None)
    return next(iter(_ranked(pipeline, alone, live, depth=1)), None)


def _reasons(
    query: SearchQuery,
    live: Live,
    standing: DocumentStanding,
    alone: Candidate | None,
    *,
    is_kept: bool,
) -> Iterator[str]:
    """What keeps it from the first hits, each in a sentence."""
    if standing.id in query.hidden:
        yield "a curation hides it for this query"
    if alone is not None and not is_kept:
        yield "the filter leaves it out"
    by_words = query.mode == "lexical" or query.among is not None
    needs_words = by_words and live.leg.index is not None
    if alone is None and needs_words:
        yield "it has none of the words of the query, or not those that signs and quotes ask for"
    if alone is None and not needs_words:
        yield "no search finds it: it is not indexed yet, cannot be encoded, or has expired"
    if alone is not None and query.min_score is not None and alone.score < query.min_score:
        yield f"its score {alone.score:.4f} is below min_score {query.min_score:.4f}"
    if standing.score is not None and standing.last_score is not None:
        lacking = standing.last_score - standing.score
        yield f"it comes {standing.rank}: its score is {lacking:.4f} below that of hit {standing.k}"
    elif is_kept and standing.id not in query.hidden:
        yield f"it is not among the first {WINDOW:,} hits"
