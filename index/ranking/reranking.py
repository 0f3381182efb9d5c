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
_DEEPEST = 10_000


class RerankKind(StrEnum):
    """What looks at the best candidates again."""

    TOKENS = "tokens"
    """Late interaction with the token vectors of the collection's own encoder."""


@dataclass(frozen=True)
class Reranking:
    """The `depth` best candidates are looked at again; `weight` is the second score's, 0 to 1.

    Without a `weight` it is what is usual for the retrievers that made the first score.
    """

    kind: RerankKind
    depth: int = DEFAULT_DEPTH
    weight: float | None = None

    def describe(self) -> dict[str, Any]:
        """It as JSON, of which `parse_reranking` makes an equal one."""
        return {"kind": self.kind.value, "depth": self.depth, "weight": self.weight}


def parse_reranking(value: object) -> Reranking:
    """The re-ranking that a JSON object means. Raises `InvalidFieldError`, naming what is wrong."""
    if not isinstance(value, Mapping):
        raise InvalidFieldError("rerank", "must be an object")
    unknown = value.keys() - {"kind", "depth", "weight"}
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
    return Reranking(RerankKind(str(kind)), depth, weight)
