"""What is said about a generation, and about a move of the pointer."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from molt.app.routes.collections.schemas import PassagesBody


class GenerationState(BaseModel):
    """A generation, complete up to the catalog's `revision`; `active` where the pointer names it.

    `collection` is null where its collection was deleted.
    """

    id: str
    collection: str | None
    active: bool
    checkpoint: str
    revision: int
    segments: int
    rows: int
    bytes: int
    passages: PassagesBody = Field(description="how it split long texts")
    created_at: datetime


class DamagedGeneration(BaseModel):
    """A generation whose manifest cannot be read; `collection` is what points to it."""

    id: str
    collection: str | None
    active: bool
    problem: str = Field(description="what is wrong with it")


class GenerationList(BaseModel):
    """Generations, oldest first; the damaged ones come last."""

    generations: list[GenerationState | DamagedGeneration]


class SpentLevel(BaseModel):
    """What the gate spent on a candidate: the `attempt`-th on an account of a test split."""

    account: int
    attempt: int
    level: float = Field(description="the two-sided level that its gain was tested at")


class ReleaseState(BaseModel):
    """A move of a collection's pointer from `previous` to `generation`: who moved it, and why.

    `checkpoint` is null where the generation is on disk no more, `report` where none was the
    reason, `gate` where the gate was not asked, `fusion` where nobody had tuned how searches fuse
    meaning and words, `fields` where they count as the analysis says, `rerank` where nothing looks
    at the best hits again.
    """

    collection: str
    at: datetime
    epoch: int
    previous: str | None
    generation: str | None
    checkpoint: str | None
    actor: str
    reason: str
    report: str | None
    gate: SpentLevel | None
    name: str | None
    fusion: dict[str, Any] | None
    fields: dict[str, float] | None
    rerank: dict[str, Any] | None


class ReleaseList(BaseModel):
    """Releases, newest first."""

    releases: list[ReleaseState]
