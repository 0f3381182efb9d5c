"""Jobs: what may be asked of the worker, and what became of it. Runs nothing.

Names and shapes alone: the service asks by them, the worker answers to them. A job's arguments and
its result are JSON.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

VERSION = "1"
"""The version of every job's arguments and steps; jobs of another one are not run."""

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
    EXPORT = "export"


class Line(StrEnum):
    """Jobs of one line are run one after another, those of different lines beside each other."""

    TRAINING = "training"
    INDEXING = "indexing"


LINES = {
    JobKind.RETRAIN: Line.TRAINING,
    JobKind.EVALUATE: Line.TRAINING,
    JobKind.TUNE: Line.TRAINING,
    JobKind.EXPORT: Line.TRAINING,
    JobKind.RELOAD: Line.INDEXING,
    JobKind.REINDEX: Line.INDEXING,
    JobKind.MERGE: Line.INDEXING,
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


def jobs_folder(home: Path) -> Path:
    """Where each job of a home has a folder, named by its id, for what it needs until it ends."""
    return home / "runs" / "jobs"


@dataclass(frozen=True)
class JobRequest:
    """A job to be done; `options` depends on its kind, `actor` asked for it.

    An export concerns no collection, every other job one.
    """

    kind: JobKind
    collection: str | None
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
    collection: str | None
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
