"""What is said about a checkpoint."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from molt.encoder.checkpoint import Pooling, Prompts, Variant
from molt.encoder.kind import Capability, ModelKind


class CheckpointState(BaseModel):
    """A checkpoint, as its manifest describes it; `variants` with their measured truth and speed.

    `default` is the one that new collections use.
    """

    id: str
    default: bool
    kind: ModelKind
    capabilities: list[Capability]
    base_model: str
    parent: str | None
    created_at: datetime
    dimension: int
    max_length: int
    pooling: Pooling
    prompts: Prompts
    bytes: int
    variants: list[Variant]
    training: dict[str, Any]
    metrics: dict[str, Any]


class DamagedCheckpoint(BaseModel):
    """A checkpoint whose manifest cannot be read."""

    id: str
    default: bool
    problem: str = Field(description="what is wrong with it")


class CheckpointList(BaseModel):
    """All checkpoints, oldest first; the damaged ones come last."""

    checkpoints: list[CheckpointState | DamagedCheckpoint]
