"""Re-ranking, as a search asks for it or as it is configured and kept with a release.

Owns the values and their JSON. The arithmetic is `mixing`'s, what decides on a weight
`rerank_tuning`'s; what makes the second score is not known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from molt.index.errors import InvalidFieldError

DEFAULT_DEPTH = 50
FUSED_WEIGHT = 0.2
"""What measured best over candidates of several retrievers; see docs/reranking.md."""
CROSS_ENCODER_WEIGHT = 0.5
"""How much a cross-encoder's score counts beside the retrievers'."""
_DEEPEST = 10_000


class RerankKind(StrEnum):
    """What looks at the best candidates again."""

    TOKENS = "tokens"
    """Late interaction with the token vectors of the collection's own encoder."""
    CROSS_ENCODER = "cross-encoder"
    """A model that reads the query and a passage together."""


@dataclass(frozen=True)
class Reranking:
    """The `depth` best candidates are looked at again; `weight` is the second score's, 0 to 1.

    Without a `weight` it is what is usual for the retrievers that made the first score. `model` is
    the checkpoint of a cross-encoder, None for the one that the collection has.
    """

    kind: RerankKind
    depth: int = DEFAULT_DEPTH
    weight: float | None = None
    model: str | None = None

    @property
    def usual_weight(self) -> float:
        """The weight that it has over candidates of several retrievers, where nobody says."""
        if self.weight is not None:
            return self.weight
        tokens = self.kind is RerankKind.TOKENS
        return FUSED_WEIGHT if tokens else CROSS_ENCODER_WEIGHT

    def describe(self) -> dict[str, Any]:
        """It as JSON, of which `parse_reranking` makes an equal one."""
        own = {"kind": self.kind.value, "depth": self.depth, "weight": self.weight}
        return own if self.model is None else own | {"model": self.model}


def parse_reranking(value: object) -> Reranking:
    """The re-ranking that a JSON object means. Raises `InvalidFieldError`, naming what is wrong."""
    if not isinstance(value, Mapping):
        raise InvalidFieldError("rerank", "must be an object")
    unknown = value.keys() - {"kind", "depth", "weight", "model"}
    if unknown:
        raise InvalidFieldError(f"rerank.{min(unknown)}", "is nothing that can be set")
    kind, depth, weight = value.get("kind"), value.get("depth", DEFAULT_DEPTH), value.get("weight")
    if kind not in set(RerankKind):
        raise InvalidFieldError("rerank.kind", f"must be one of {', '.join(RerankKind)}")
    if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= _DEEPEST:
        raise InvalidFieldError("rerank.depth", f"must be a whole number from 1 to {_DEEPEST:,}")
    if weight is not None:
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not 0 <= weight <= 1:
            raise InvalidFieldError("rerank.weight", "must be a number from 0 to 1")
        weight = float(weight)
    return Reranking(RerankKind(str(kind)), depth, weight, _model(value.get("model"), kind))


def _model(model: object, kind: object) -> str | None:
    if model is None:
        return None
    if kind != RerankKind.CROSS_ENCODER:
        raise InvalidFieldError("rerank.model", f"is no part of {kind}, which has no other model")
    if not isinstance(model, str) or not model:
        raise InvalidFieldError("rerank.model", "must be the id of a checkpoint")
    return model
