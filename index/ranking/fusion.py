"""Fusion: how a search makes one ranking of two, as it is configured and kept with a release.

Owns the values and their JSON. The arithmetic is `fusing`'s, what decides on a weight `tuning`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from molt.index.errors import InvalidFieldError


class FusionKind(StrEnum):
    """How two scores of a document become one."""

    CONVEX = "convex"
    ADAPTIVE = "adaptive"
    """Convex, words weighing the more the more of them are asked for."""
    RRF = "rrf"


UNTUNED_WEIGHT = 0.7
"""What loses least to either leg, and gains most on the mean of several collections."""
FEW_WORDS = 4
"""Up to so many words of a query the weights are what they are for one."""


@dataclass(frozen=True)
class Fusion:
    """Of a convex combination `dense` is the weight of the dense leg, 0 to 1.

    Of an adaptive one it is that where few words are asked for. Reciprocal ranks know no weight:
    there it is None.
    """

    kind: FusionKind = FusionKind.ADAPTIVE
    dense: float | None = UNTUNED_WEIGHT

    def describe(self) -> dict[str, Any]:
        """It as JSON, of which `parse_fusion` makes an equal one."""
        return {"kind": self.kind.value, "dense": self.dense}

    def weight(self, n_words: int) -> float | None:
        """The weight of the dense leg where so many words are asked for that say something."""
        if self.kind is FusionKind.ADAPTIVE and self.dense is not None:
            return adapted(self.dense, n_words)
        return self.dense


@dataclass(frozen=True)
class QueryFusion:
    """How the scores of one query were fused: by the weight `dense`, None of reciprocal ranks.

    `tuned` where judged queries told it, and else estimated by how many words are asked for.
    """

    kind: FusionKind
    dense: float | None
    tuned: bool

    def describe(self) -> dict[str, Any]:
        """It as JSON."""
        basis = "tuned" if self.tuned else "estimated"
        return {"kind": self.kind.value, "dense": self.dense, "basis": basis}


def adapted(dense: float, n_words: int, *, few: int = FEW_WORDS) -> float:
    """The weight of the dense leg among `n_words`, which up to a `few` is `dense`.

    A document's share of all that was asked for sinks as more is asked for, and says no less.
    """
    lexical = (1 - dense) * max(n_words, few) / few
    return dense / (dense + lexical)


DEFAULT_FUSION = Fusion()
RECIPROCAL_RANKS = Fusion(FusionKind.RRF, None)


def parse_fusion(value: Mapping[str, Any]) -> Fusion:
    """The fusion that a JSON object means. Raises `InvalidFieldError`, naming what is wrong."""
    unknown = value.keys() - {"kind", "dense"}
    if unknown:
        raise InvalidFieldError(f"fusion.{min(unknown)}", "is nothing that can be set")
    kind = value.get("kind", FusionKind.ADAPTIVE.value)
    if kind not in set(FusionKind):
        raise InvalidFieldError("fusion.kind", f"must be one of {', '.join(FusionKind)}")
    dense = value.get("dense")
    if kind == FusionKind.RRF:
        if dense is not None:
            raise InvalidFieldError("fusion.dense", "is no part of rrf, which knows no weight")
        return RECIPROCAL_RANKS
    if dense is None:
        return Fusion(FusionKind(str(kind)))
    if isinstance(dense, bool) or not isinstance(dense, int | float) or not 0 <= dense <= 1:
        raise InvalidFieldError("fusion.dense", "must be a number from 0 to 1")
    return Fusion(FusionKind(str(kind)), float(dense))
