"""Jobs: what may be asked of the worker, and what became of it. Runs nothing.

Names and shapes alone: the service asks by them, the worker answers to them. A job's arguments and
its result are JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

VERSION = "1"
"""The version of every job's arguments and steps; jobs of another one are not run."""

EXECUTOR = "worker"
EVENTS = "events"
"""The stream that a job writes its events to."""


class JobKind(StrEnum):
    """What can be asked for."""

    RETRAIN = "retrain"
    RELOAD = "reload"
    REINDEX = "reindex"
    EVALUATE = "evaluate"


class Line(StrEnum):
    """Jobs of one line are run one after another, those of different lines beside each other."""

    TRAINING = "training"
    INDEXING = "indexing"


LINES = {
    JobKind.RETRAIN: Line.TRAINING,
    JobKind.EVALUATE: Line.TRAINING,
    JobKind.RELOAD: Line.INDEXING,
    JobKind.REINDEX: Line.INDEXING,
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


@dataclass(frozen=True)
class JobRequest:
    """A job to be done for a collection; `options` depends on its kind, `actor` asked for it."""

    kind: JobKind
    collection: str
    options: Mapping[str, Any] = field(default_factory=dict)
    actor: str = "molt"

    def arguments(self) -> dict[str, Any]:
        """What the worker is told."""
        return {
            "collection": self.collection,
            "options": dict(self.options),
            "actor": self.actor,
        }


@dataclass(frozen=True)
class Job:
    """A job as it now stands. `error` says why it failed; `attempts` how often it was begun."""

    id: str
    kind: str
    collection: str
    options: Mapping[str, Any]
    actor: str
    state: JobState
    created_at: datetime
    updated_at: datetime
    attempts: int
    result: Any = None
    error: str | None = None


@dataclass(frozen=True)
class JobEvent:
    """What a job told at some moment; `number` counts from 0."""

    number: int
    content: Mapping[str, Any]
