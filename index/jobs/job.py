"""Jobs: what may be asked of the worker, and what became of it. Runs nothing.

Names and shapes alone: the service asks by them, the worker answers to them. A job's arguments and
its result are JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

VERSION = "1"
"""The version of every job's arguments and steps; jobs of another one are not run."""

MOST_DEATHS = 20
"""A job that was begun so often, and never came to an end, is given up."""

EXECUTOR = "worker"
EVENTS = "events"
"""The stream that a job writes its events to."""

MODEL = "model"
"""Where in its folder the model lies that an export makes a checkpoint of."""


class JobKind(StrEnum):
    """What can be asked for."""

    RETRAIN = "retrain"
    RELOAD = "reload"
    REINDEX = "reindex"
    MERGE = "merge"
    EVALUATE = "evaluate"
    TUNE = "tune"
    TUNE_SEARCH = "tune-search"
    EXPORT = "export"


class QueueName(StrEnum):
    """Jobs of one line are run one after another, those of different lines beside each other."""

    TRAINING = "training"
    INDEXING = "indexing"


QUEUES = {
    JobKind.RETRAIN: QueueName.TRAINING,
    JobKind.EVALUATE: QueueName.TRAINING,
    JobKind.TUNE: QueueName.TRAINING,
    JobKind.TUNE_SEARCH: QueueName.TRAINING,
    JobKind.EXPORT: QueueName.TRAINING,
    JobKind.RELOAD: QueueName.INDEXING,
    JobKind.REINDEX: QueueName.INDEXING,
    JobKind.MERGE: QueueName.INDEXING,
}


class JobState(StrEnum):
    """How far a job has come."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Will it never change again?"""
        return self not in {JobState.WAITING, JobState.RUNNING}


def new_job_id() -> str:
    """An id that no job has."""
    return uuid4().hex


@dataclass(frozen=True)
class JobRequest:
    """A job to be done; `options` depends on its kind, `actor` asked for it.

    An export concerns no collection, every other job one: that of `collection_id`, where it is
    given, and no later one of the same name.
    """

    kind: JobKind
    collection: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    actor: str = "molt"
    collection_id: int | None = None

    def arguments(self) -> dict[str, Any]:
        """What the worker is told."""
        return {
            "collection": self.collection,
            "options": dict(self.options),
            "actor": self.actor,
            "collection_id": self.collection_id,
        }


@dataclass(frozen=True)
class Job:
    """A job as it now stands. `error` says why it failed; `attempts` how often it was begun.

    `collection_id` is that of the collection it was asked for, whoever has its name now. `progress`
    is known of a job at work, to whoever asked for it.
    """

    id: str
    kind: str
    collection: str | None
    options: Mapping[str, Any]
    actor: str
    state: JobState
    created_at: datetime
    updated_at: datetime
    attempts: int
    result: Any = None
    error: str | None = None
    collection_id: int | None = None
    progress: "JobProgress | None" = None


@dataclass(frozen=True)
class JobProgress:
    """What a job is at, how far it is, and how long it will still take; None where unknown.

    `percent` is from 0 to 100 and never falls.
    """

    step: str | None
    stage: str | None
    percent: float
    seconds_left: float | None


@dataclass(frozen=True)
class JobEvent:
    """What a job told at some moment; `number` counts from 0."""

    number: int
    content: Mapping[str, Any]
