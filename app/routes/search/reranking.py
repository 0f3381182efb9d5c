"""What a search may ask of a re-ranker, and how its answer tells of it."""

from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic import model_validator as checked
from pydantic_core import PydanticCustomError

from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.texts import Name
from molt.app.http.validation import WHOLE, Strict, limited, require
from molt.engine.errors import UnknownModelError
from molt.engine.models.models import Models
from molt.engine.search.query import Mode, SearchQuery
from molt.engine.sections import LimitSettings
from molt.index.catalog.access.reach import Reach
from molt.index.ranking.fusion import FusionKind
from molt.index.ranking.reranking import DEFAULT_DEPTH, Reranking, RerankKind

_KINDS = [kind.value for kind in RerankKind]


def _asked(value: object) -> object:
    """A word stands for an object of that kind, false for nothing."""
    if isinstance(value, dict | RerankBody):
        return value
    if value is False:
        return None
    if value not in _KINDS:
        raise PydanticCustomError(
            "rerank", "must be false, `tokens`, `cross-encoder`, or an object with `kind`"
        )
    return {"kind": value}


class RerankBody(Strict):
    """By what to re-rank, how many of the best candidates, and how much that counts.

    `model` names the cross-encoder, where it is not to be the collection's.
    """

    kind: Literal["tokens", "cross-encoder"]
    depth: Annotated[int, Field(ge=1), WHOLE] = DEFAULT_DEPTH
    weight: float | None = Field(default=None, ge=0, le=1)
    model: Name | None = None

    @checked(mode="after")
    def _names_no_other_encoder(self) -> Self:
        """Raise for a model beside `tokens`, which are those of the collection's encoder."""
        if self.model is not None and self.kind == "tokens":
            raise PydanticCustomError(
                "rerank_model", "`model` is no part of `tokens`, which are of what serves"
            )
        return self


_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "boolean", "const": False},
        {"type": "string", "enum": _KINDS},
        {
            "type": "object",
            "properties": {
                "kind": {"type": "string", "enum": _KINDS},
                "depth": {"type": "integer", "minimum": 1, **limited(maximum="max_rerank")},
                "weight": {"type": "number", "minimum": 0, "maximum": 1},
                "model": {"type": "string", "minLength": 1},
            },
            "required": ["kind"],
            "additionalProperties": False,
        },
    ]
}
RerankField = Annotated[RerankBody | None, BeforeValidator(_asked), WithJsonSchema(_SCHEMA)]


class RerankParameters(BaseModel):
    """The same in a query string."""

    rerank: Literal["false", "tokens", "cross-encoder"] | None = None
    rerank_depth: Annotated[
        int | None, Field(ge=1, json_schema_extra=limited(maximum="max_rerank")), WHOLE
    ] = None
    rerank_model: Name | None = None

    def reranking(self) -> RerankBody | Literal[False] | None:
        """What a body would say; None where nothing is said. Raises `InvalidRequestError`."""
        kind = self.rerank
        if self.rerank_model is not None and kind != "cross-encoder":
            raise _needing("rerank_model", "cross-encoder")
        if kind is None or kind == "false":
            if self.rerank_depth is not None:
                raise _needing("rerank_depth", "tokens` or `cross-encoder")
            return None if kind is None else False
        return RerankBody(
            kind=kind, depth=self.rerank_depth or DEFAULT_DEPTH, model=self.rerank_model
        )


RERANK_PARAMETERS = frozenset(RerankParameters.model_fields)


def _needing(parameter: str, kinds: str) -> InvalidRequestError:
    wrong = f"belongs to `rerank` by `{kinds}`; say that too, or leave it out"
    return InvalidRequestError([Violation(wrong, "query", (parameter,))])


class RerankMethod(BaseModel):
    """What looked at the best candidates again, at how many, and how much that counts.

    `model` is the checkpoint of a cross-encoder.
    """

    kind: RerankKind
    depth: int
    weight: float
    model: str | None = Field(default=None, description="there where a cross-encoder did")


class FusionMethod(BaseModel):
    """How scores by meaning and by words were fused; `dense` is the weight of the former.

    `basis` says whether the collection was tuned, or the weight estimated by the query's words.
    """

    kind: FusionKind
    dense: float | None
    basis: Literal["estimated", "tuned"]


class ComparisonMethod(BaseModel):
    """The experiment both of whose arms made an answer, and how they were interleaved."""

    number: int
    method: Literal["team-draft", "probabilistic"]


class SearchMethod(BaseModel):
    """How an answer came about.

    `fields` are the weights by which words count that a document has in them, null where that was
    not tuned. Retrievers in `left_out` could not be asked, nor could `rerank` where that was tuned;
    a warning says why. `did_you_mean` is the query with words that documents have, where they have
    some of its own nowhere. `stages_ms` are the milliseconds of each stage.
    """

    mode: Mode
    fusion: FusionMethod | None
    fields: dict[str, float] | None
    rerank: RerankMethod | None
    left_out: list[str]
    did_you_mean: str | None
    stages_ms: dict[str, float]
    experiment: ComparisonMethod | None = Field(
        default=None, description="there where both arms of one answered"
    )


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
    return Reranking(
        RerankKind(asked.kind), depth=asked.depth, weight=asked.weight, model=asked.model
    )


def with_checkpoint(query: SearchQuery, models: Models, reach: Reach) -> SearchQuery:
    """The query with the id of the cross-encoder that it names, as far as `reach` allows.

    Raises as `Models.cross_encoder`.
    """
    wanted = query.rerank
    if not isinstance(wanted, Reranking) or wanted.model is None:
        return query
    try:
        checkpoint_id = models.cross_encoder(wanted.model, reach)
    except UnknownModelError as error:
        error.part = "rerank"
        raise
    return replace(query, rerank=replace(wanted, model=checkpoint_id))
