"""Answers to searches as JSON, for whoever asks: over HTTP and on the command line alike."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, Literal
from uuid import uuid4

from molt.engine.search.query import Hit, SearchAnswer
from molt.engine.search.reranking import describe_reranking

DocumentPart = Literal["title", "text", "metadata"]
_CURSOR = "offset:"
ALL_PARTS: tuple[DocumentPart, ...] = ("title", "text", "metadata")


def describe_answer(
    answer: SearchAnswer, *, seconds: float, include: Sequence[DocumentPart] = ALL_PARTS
) -> dict[str, Any]:
    """An answer that took `seconds`, with these parts of its documents, under an id of its own."""
    page = answer.page
    return {
        "query_id": uuid4().hex,
        "took_ms": round(1000 * seconds, 3),
        "generation": answer.generation,
        "checkpoint": answer.checkpoint,
        "total": {"value": page.total, "relation": "eq" if page.exact_total else "gte"},
        "hits": [_described(hit, include) for hit in page.hits],
        "facets": {},
        "truncated": answer.truncated,
        "cursor": None if page.following is None else write_cursor(page.following),
        "warnings": list(answer.warnings),
        "search": {"rerank": describe_reranking(answer.reranked)},
    }


def write_cursor(offset: int) -> str:
    """Where the next page begins, as a string that nobody need look into."""
    return urlsafe_b64encode(f"{_CURSOR}{offset}".encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> int | None:
    """The offset that a cursor holds; None where it is none of ours."""
    try:
        found = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        return None
    digits = found.removeprefix(_CURSOR)
    return int(digits) if digits != found and digits.isdecimal() and len(digits) < 10 else None


def _described(hit: Hit, include: Sequence[DocumentPart]) -> dict[str, Any]:
    return {
        "id": hit.id,
        "score": hit.score,
        "rank": hit.rank,
        **{part: getattr(hit.document, part) for part in include},
        "highlights": [],
        "scores": {"dense": None, "lexical": None, "rerank": None} | dict(hit.scores),
        "passage": {"start": hit.passage.start, "end": hit.passage.end},
        "explanation": None,
        **({"pinned": True} if hit.pinned else {}),
    }
