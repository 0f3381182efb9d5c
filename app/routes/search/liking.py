"""What a search is for: a query, or documents or a text that hits are to be like."""

from dataclasses import dataclass

from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.validation import require
from molt.app.routes.search.schemas import LikeBody, SearchBody
from molt.encoder.encoder import InputType
from molt.engine.sections import LimitSettings


@dataclass(frozen=True)
class Wanted:
    """A text and what it is compared as, or the ids of documents in its place."""

    text: str = ""
    input_type: InputType = InputType.QUERY
    ids: tuple[str, ...] = ()


def wanted_of(body: SearchBody, limits: LimitSettings) -> Wanted:
    """What a body is for. Raises `InvalidRequestError` unless that is one thing."""
    if body.like is None:
        if body.query is None:
            raise _wrong("is missing; say what to search for, or send `like` in its place", "query")
        require(len(body.query), limits, "max_query_chars", place=("query",))
        return Wanted(body.query)
    if body.query is not None:
        raise _wrong("stands in place of `query`; send one of them", "like")
    return _liked(body.like, limits)


def _liked(like: LikeBody, limits: LimitSettings) -> Wanted:
    if sum(one is not None for one in (like.id, like.ids, like.text)) != 1:
        raise _wrong("must have one of `id`, `ids` and `text`", "like")
    if like.text is not None:
        require(len(like.text), limits, "max_query_chars", place=("like", "text"))
        return Wanted(like.text, InputType.DOCUMENT)
    ids = [like.id] if like.id is not None else like.ids or []
    return Wanted(ids=tuple(dict.fromkeys(ids)))


def _wrong(detail: str, place: str) -> InvalidRequestError:
    return InvalidRequestError([Violation(detail, "body", (place,))])
