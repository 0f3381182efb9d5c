"""What is asked of the worker and said about its jobs."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from molt.app.http.texts import CollectionName, Name, Remark
from molt.app.http.validation import Strict

OfCollection = Annotated[CollectionName, Field(description="name of the collection")]
CheckpointId = Annotated[
    Name, Field(description="id of a checkpoint, its name, or how the id alone begins")
]


class Retrain(Strict):
    """The body of `POST /admin/retrain`."""

    collection: OfCollection = "default"
    config: dict[str, Any] = Field(
        default_factory=dict, description="sections of the configuration, as in docs/training.md"
    )
    promote: Literal["gated", "never", "force"] = Field(
        "gated", description="`gated`: if the gate accepts; `force`: whatever it says"
    )
    reason: Remark | None = Field(None, description="why it is forced; kept in the release history")


class Reload(Strict):
    """The body of `POST /admin/reload`."""

    collection: OfCollection = "default"
    checkpoint: CheckpointId
    reason: Remark | None = Field(None, description="why; kept in the release history")


class Reindex(Strict):
    """The body of `POST /admin/reindex`."""

    collection: OfCollection = "default"
    reuse: bool = Field(
        default=True, description="take vectors of unchanged texts from what is there"
    )


class Merge(Strict):
    """The body of `POST /admin/merge`."""

    collection: OfCollection = "default"


class Evaluate(Strict):
    """The body of `POST /admin/evaluate`."""

    collection: OfCollection = "default"
    checkpoint: CheckpointId
    config: dict[str, Any] = Field(
        default_factory=dict, description="sections of the configuration, as in docs/training.md"
    )


class Tune(Strict):
    """The body of `POST /admin/tune`."""

    collection: OfCollection = "default"
    config: dict[str, Any] = Field(
        default_factory=dict, description="what is not tuned stays as these sections say"
    )
    trials: int = Field(20, ge=1, le=1000, description="how many, earlier ones included")


class TuneSearch(Strict):
    """The body of `POST /admin/tune-search`."""

    collection: OfCollection = "default"
    config: dict[str, Any] = Field(
        default_factory=dict, description="the section `data`, as in docs/training.md"
    )
    promote: Literal["gated", "never"] = Field(
        "gated", description="`gated`: release what ranks otherwise than now; `never`: only tell it"
    )


class JobExtent(BaseModel):
    """How far a job at work is."""

    step: str | None = Field(description="the step that it is at")
    stage: str | None = Field(description="what it does in that step")
    percent: float = Field(description="of the whole job, 0 to 100; never falls")
    seconds_left: float | None = Field(description="an estimate; null until there can be one")


class JobStatus(BaseModel):
    """A job as it now stands."""

    id: str
    kind: str
    collection: str | None = Field(description="null for a job that concerns no collection")
    options: dict[str, Any]
    actor: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    created_at: datetime
    updated_at: datetime
    attempts: int = Field(description="how often it was begun: more than once after a kill")
    result: Any = Field(description="what it made; null until it is done")
    error: str | None = Field(description="why it failed")
    collection_id: int | None = Field(description="which collection, whoever has its name now")
    progress: JobExtent | None = Field(description="of a job at work, where one job is asked for")


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobStatus]
