"""What a search may ask of a re-ranker, and how its answer tells of it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.validation import WHOLE, Strict, limited, require
from molt.engine.search.query import Mode
from molt.engine.sections import LimitSettings
from molt.index.ranking.fusion import FusionKind
from molt.index.ranking.reranking import DEFAULT_DEPTH, Reranking, RerankKind


def _served(value: object) -> object:
    """Refuse the kind that the surface promises and this version does not do yet."""
    if value == "cross-encoder":
        raise PydanticCustomError(
            "not_available_yet", "not available yet in this version of Molt; `tokens` is"
        )
    return value


def _asked(value: object) -> object:
    """A word stands for an object of that kind, false for nothing."""
    if isinstance(value, dict | RerankBody):
        return value
    if value is False:
        return None
    if _served(value) != "tokens":
        raise PydanticCustomError("rerank", "must be false, `tokens`, or an object with `kind`")
    return {"kind": value}


_Kind = Annotated[Literal["tokens"], BeforeValidator(_served)]


class RerankBody(Strict):
    """By what to re-rank, how many of the best candidates, and how much that counts."""

    kind: _Kind
    depth: Annotated[int, Field(ge=1), WHOLE] = DEFAULT_DEPTH
    weight: float | None = Field(default=None, ge=0, le=1)


_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "boolean", "const": False},
        {"type": "string", "enum": ["tokens"]},
        {
            "type": "object",
            "properties": {
                "kind": {"type": "string", "enum": ["tokens"]},
                "depth": {"type": "integer", "minimum": 1, **limited(maximum="max_rerank")},
                "weight": {"type": "number", "minimum": 0, "maximum": 1},
            },
            "required": ["kind"],
            "additionalProperties": False,
        },
    ]
}
RerankField = Annotated[RerankBody | None, BeforeValidator(_asked), WithJsonSchema(_SCHEMA)]
RerankWord = Annotated[Literal["false", "tokens"], BeforeValidator(_served)]
"""The same in a query string."""


class RerankMethod(BaseModel):
    """What looked at the best candidates again, at how many, and how much that counts."""

    kind: Literal["tokens"]
    depth: int
    weight: float


class FusionMethod(BaseModel):
    """How scores by meaning and by words were fused; `dense` is the weight of the former.

    `basis` says whether the collection was tuned, or the weight estimated by the query's words.
    """

    kind: FusionKind
    dense: float | None
    basis: Literal["estimated", "tuned"]


class SearchMethod(BaseModel):
    """How an answer came about.

    `fields` are the weights by which words count that a document has in them, null where that was
    not tuned. Retrievers in `left_out` could not be asked, and a warning says why. `did_you_mean`
    is the query with words that documents have, where they have some of its own nowhere.
    `stages_ms` are the milliseconds of each stage.
    """

    mode: Mode
    fusion: FusionMethod | None
    fields: dict[str, float] | None
    rerank: RerankMethod | None
    left_out: list[str]
    did_you_mean: str | None
    stages_ms: dict[str, float]


def reranking_of(
    asked: RerankBody | None, limits: LimitSettings, *, has_query: bool
) -> Reranking | None:
    """What the engine is asked for.

    Raises `InvalidRequestError` beyond `limits.max_rerank`, and where there is no query.
    """
    if asked is None:
        return None
    if not has_query:
        detail = "compares documents with a `query`; leave it out, or send one in place of `like`"
        raise InvalidRequestError([Violation(detail, "body", ("rerank",))])
    require(asked.depth, limits, "max_rerank", place=("rerank", "depth"))
    return Reranking(RerankKind(asked.kind), depth=asked.depth, weight=asked.weight)
