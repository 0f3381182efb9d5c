"""Answers to searches as JSON, for whoever asks: over HTTP and on the command line alike."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import uuid4

from molt.engine.search.cursor import write_cursor
from molt.engine.search.facets import describe_facets
from molt.engine.search.highlights.fragments import Highlighting
from molt.engine.search.query import Hit, SearchAnswer
from molt.engine.search.reranks.reranking import describe_reranking

DocumentPart = Literal["title", "text", "metadata"]
ALL_PARTS: tuple[DocumentPart, ...] = ("title", "text", "metadata")


def describe_answer(
    answer: SearchAnswer, *, seconds: float, include: Sequence[DocumentPart] = ALL_PARTS
) -> dict[str, Any]:
    """An answer that took `seconds`, with these parts of its documents, under an id of its own."""
    page, compared = answer.page, answer.compared
    return {
        "query_id": uuid4().hex if compared is None else compared.query_id,
        "took_ms": round(1000 * seconds, 3),
        "generation": answer.generation,
        "checkpoint": answer.checkpoint,
        "total": {"value": page.total, "relation": "eq" if page.exact_total else "gte"},
        "hits": [_described(hit, include, answer.highlighting) for hit in page.hits],
        "answer": None if answer.answer is None else answer.answer.describe(),
        "facets": describe_facets(answer.facets),
        "truncated": answer.truncated,
        "cursor": None if page.following is None else write_cursor(page.following),
        "warnings": list(answer.warnings),
        "search": {
            "mode": answer.mode,
            "fusion": None if answer.fusion is None else answer.fusion.describe(),
            "fields": dict(answer.fields) or None,
            "rerank": describe_reranking(answer.reranked),
            "left_out": list(answer.left_out),
            "did_you_mean": answer.did_you_mean,
            "stages_ms": {name: round(1000 * spent, 3) for name, spent in answer.seconds.items()},
            **({} if compared is None else {"experiment": compared.describe()}),
        },
    }


def _described(
    hit: Hit, include: Sequence[DocumentPart], highlighting: Highlighting | None
) -> dict[str, Any]:
    marks = highlighting or Highlighting()
    return {
        "id": hit.id,
        "score": hit.score,
        "rank": hit.rank,
        **{part: getattr(hit.document, part) for part in include},
        "highlights": [one.written(pre=marks.pre, post=marks.post) for one in hit.highlights],
        "scores": {"dense": None, "lexical": None, "rerank": None} | dict(hit.scores),
        "passage": {"start": hit.passage.start, "end": hit.passage.end},
        "group": None if hit.group is None else {"value": hit.group.value, "size": hit.group.size},
        "explanation": hit.explanation,
        **({"pinned": True} if hit.pinned else {}),
        **({"arm": hit.arm} if hit.arm else {}),
        **({"highlighted": [one.describe() for one in hit.highlights]} if highlighting else {}),
    }
