"""What kind of model a checkpoint is, and what it can do; knows neither files nor graphs."""

from collections.abc import Collection
from enum import StrEnum


class ModelKind(StrEnum):
    """What a model makes of texts: a vector of each, or a score of a query and a text."""

    BI_ENCODER = "bi-encoder"
    STATIC = "static"
    CROSS_ENCODER = "cross-encoder"


class Capability(StrEnum):
    """What can be asked of a checkpoint.

    `embed`: a vector of each text. `rerank`: a score of a query and a document together. `tokens`:
    a vector of each token of a text, which every variant gives.
    """

    EMBED = "embed"
    RERANK = "rerank"
    TOKENS = "tokens"


_NEEDED = {
    ModelKind.BI_ENCODER: {Capability.EMBED},
    ModelKind.STATIC: {Capability.EMBED},
    ModelKind.CROSS_ENCODER: {Capability.RERANK},
}
_POSSIBLE = {
    ModelKind.BI_ENCODER: {Capability.EMBED, Capability.TOKENS},
    ModelKind.STATIC: {Capability.EMBED, Capability.TOKENS},
    ModelKind.CROSS_ENCODER: {Capability.RERANK},
}


def fits(kind: ModelKind, capabilities: Collection[Capability]) -> bool:
    """Whether a model of `kind` can have just these capabilities."""
    return _NEEDED[kind] <= set(capabilities) <= _POSSIBLE[kind]
