"""Joining: one answer of those that the two arms of an experiment gave."""

from collections.abc import Mapping
from dataclasses import replace

from molt.engine.search.query import ComparedBy, Page, SearchAnswer, SearchQuery
from molt.engine.search.reranks.reranking import AS_TUNED, WantedReranking
from molt.engine.watch.experiments.interleaving import Interleaved, Team
from molt.index.catalog.judging.experiments.experiment import Arm
from molt.index.ranking.reranking import Reranking, RerankKind

MOST_INTERLEAVED = 100
"""The last place of a ranking to which two are interleaved."""


def can_be_compared(query: SearchQuery) -> bool:
    """Is a search one that both arms can answer, and that asks for neither in particular?"""
    plain = not (query.like or query.answer or query.explain or query.by_likeness)
    free = query.rerank == AS_TUNED and query.min_score is None and query.cursor is None
    return plain and free and query.by_score and query.offset + query.k <= MOST_INTERLEAVED


def asked_of(arm: Arm, query: SearchQuery) -> SearchQuery:
    """What an arm is asked: all up to the page's end, and one hit more for the last round."""
    rerank: WantedReranking = AS_TUNED if arm.rerank == "tuned" else None
    if arm.rerank not in {"tuned", "none"}:
        rerank = Reranking(RerankKind(arm.rerank))
    k = query.offset + query.k + 1
    return replace(query, k=k, offset=0, mode=arm.mode, rerank=rerank)


def ids_of(answer: SearchAnswer) -> list[str]:
    """The documents of an answer, the best first."""
    return [hit.id for hit in answer.page.hits]


def one_answer(
    answers: Mapping[Team, SearchAnswer],
    drawn: Interleaved,
    *,
    query: SearchQuery,
    main: Team,
    compared: ComparedBy,
) -> SearchAnswer:
    """The page that was asked for, of the documents as they were drawn.

    Each hit is as the arm that drew it found it; what is said of all that matches is of `main`. No
    cursor goes on, since no single ranking does.
    """
    found = {team: {hit.id: hit for hit in answer.page.hits} for team, answer in answers.items()}
    places = zip(drawn.shown, drawn.teams, strict=True)
    hits = [
        replace(found[team][doc_id], rank=rank, arm=team)
        for rank, (doc_id, team) in enumerate(places, start=1)
    ]
    both = answers["a"], answers["b"]
    seconds = dict(both[0].seconds)
    for stage, spent in both[1].seconds.items():
        seconds[stage] = seconds.get(stage, 0.0) + spent
    page = answers[main].page
    shown = tuple(hits[query.offset : query.offset + query.k])
    return replace(
        answers[main],
        page=Page(shown, max(page.total, len(hits)), page.exact_total),
        seconds=seconds,
        warnings=tuple(dict.fromkeys(both[0].warnings + both[1].warnings)),
        truncated=both[0].truncated or both[1].truncated,
        left_out=tuple(dict.fromkeys(both[0].left_out + both[1].left_out)),
        compared=compared,
    )
