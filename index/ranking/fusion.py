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
    RRF = "rrf"


UNTUNED_WEIGHT = 0.6
"""What loses least to either leg, and gains most on the mean of several collections."""


@dataclass(frozen=True)
class Fusion:
    """Of a convex combination `dense` is the weight of the dense leg, 0 to 1.

    Reciprocal ranks know no weight: there it is None.
    """

    kind: FusionKind = FusionKind.CONVEX
    dense: float | None = UNTUNED_WEIGHT

    def describe(self) -> dict[str, Any]:
        """It as JSON, of which `parse_fusion` makes an equal one."""
        return {"kind": self.kind.value, "dense": self.dense}


DEFAULT_FUSION = Fusion()
RECIPROCAL_RANKS = Fusion(FusionKind.RRF, None)


def parse_fusion(value: Mapping[str, Any]) -> Fusion:
    """The fusion that a JSON object means. Raises `InvalidFieldError`, naming what is wrong."""
    unknown = value.keys() - {"kind", "dense"}
    if unknown:
        raise InvalidFieldError(f"fusion.{min(unknown)}", "is nothing that can be set")
    kind = value.get("kind", FusionKind.CONVEX.value)
    if kind not in set(FusionKind):
        raise InvalidFieldError("fusion.kind", f"must be one of {', '.join(FusionKind)}")
    dense = value.get("dense")
    if kind == FusionKind.RRF:
        if dense is not None:
            raise InvalidFieldError("fusion.dense", "is no part of rrf, which knows no weight")
        return RECIPROCAL_RANKS
    if dense is None:
        return DEFAULT_FUSION
    if isinstance(dense, bool) or not isinstance(dense, int | float) or not 0 <= dense <= 1:
        raise InvalidFieldError("fusion.dense", "must be a number from 0 to 1")
    return Fusion(FusionKind.CONVEX, float(dense))
