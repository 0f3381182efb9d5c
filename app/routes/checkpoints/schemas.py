"""What is said about a checkpoint."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from molt.app.http.texts import Name
from molt.app.http.validation import Strict
from molt.encoder.checkpoint import Pooling, Prompts, Variant
from molt.encoder.kind import Capability, ModelKind


class ServingVariant(BaseModel):
    """Which variant serves on this machine, as far as that is known without measuring anything."""

    variant: str | None = Field(description="null where none does, or it is not known yet")
    reason: str = Field(description="why it does, or why it is not known")


class CheckpointState(BaseModel):
    """A checkpoint, as its manifest describes it; `variants` with their measured truth and speed.

    `default` is the one that new collections use.
    """

    id: str
    name: str | None = Field(description="what people call it; stands for its id")
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
    serves: ServingVariant
    variants: list[Variant]
    training: dict[str, Any]
    metrics: dict[str, Any]


class DamagedCheckpoint(BaseModel):
    """A checkpoint whose manifest cannot be read."""

    id: str
    name: str | None
    default: bool
    problem: str = Field(description="what is wrong with it")


class CheckpointList(BaseModel):
    """All checkpoints, oldest first; the damaged ones come last."""

    checkpoints: list[CheckpointState | DamagedCheckpoint]


class NewCheckpointName(Strict):
    """The body of `PUT /admin/checkpoints/{id}/name`."""

    name: Name = Field(
        description="1 to 63 letters, digits, '.', '_' and '-'; nothing that could be an id",
        examples=["shop-2026-11"],
    )


class CheckpointName(BaseModel):
    """What a checkpoint is called."""

    id: str
    name: str
