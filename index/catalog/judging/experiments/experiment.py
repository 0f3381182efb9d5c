"""An experiment: two arms of searching, which share of the searches both answer, and its outcome.

Owns what an arm may be, in JSON too. What evidence means is for whoever weighs it to say.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, get_args

from sqlalchemy import Row

from molt.artifact import canonical_json
from molt.index.errors import InvalidFieldError

ArmMode = Literal["hybrid", "dense", "lexical"]
ArmRerank = Literal["tuned", "none", "tokens", "cross-encoder"]
ExperimentMethod = Literal["team-draft", "probabilistic"]


class ExperimentState(StrEnum):
    """How far an experiment is: `decided` until what follows from its outcome has been done."""

    RUNNING = "running"
    DECIDED = "decided"
    ENDED = "ended"


@dataclass(frozen=True)
class Arm:
    """One way to search: a `generation`, None for whatever serves, a mode and a re-ranking."""

    generation: str | None = None
    mode: ArmMode = "hybrid"
    rerank: ArmRerank = "tuned"

    def __str__(self) -> str:
        serving = self.generation or "what serves"
        return f"{serving}, {self.mode}, re-ranked {self.rerank}"


@dataclass(frozen=True)
class Plan:
    """What an experiment compares, and how: `share` of the searches, at the error level `level`."""

    a: Arm
    b: Arm
    method: ExperimentMethod = "team-draft"
    share: float = 0.5
    level: float = 0.05


@dataclass(frozen=True)
class Experiment:
    """One of a collection's experiments, the `number`-th.

    So many `searches` were answered by both arms; `evidence` is what their clicks said so far, in
    JSON. `better` is the arm that was shown to be, by its letter. `reason` says why it ended.
    """

    collection: str
    number: int
    plan: Plan
    started_at: datetime
    started_by: str
    state: ExperimentState = ExperimentState.RUNNING
    searches: int = 0
    evidence: Mapping[str, Any] = field(default_factory=dict)
    better: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    reason: str | None = None

    @property
    def winner(self) -> Arm | None:
        """The arm that was shown to be better."""
        return None if self.better is None else getattr(self.plan, self.better)

    @property
    def loser(self) -> Arm | None:
        """The arm that was shown to be worse."""
        return None if self.better is None else (self.plan.b if self.better == "a" else self.plan.a)


def checked_plan(plan: Plan) -> Plan:
    """A plan as it is. Raises `InvalidFieldError` for one that compares nothing, or not so."""
    for name, arm in (("a", plan.a), ("b", plan.b)):
        _one_of(arm.mode, ArmMode, f"{name}.mode")
        _one_of(arm.rerank, ArmRerank, f"{name}.rerank")
    _one_of(plan.method, ExperimentMethod, "method")
    if plan.a == plan.b:
        raise InvalidFieldError("b", "is the same as a; name a generation, a mode or a rerank")
    if not 0 < plan.share <= 1:
        raise InvalidFieldError("share", "must be above 0 and at most 1")
    if not 0 < plan.level <= 0.5:
        raise InvalidFieldError("level", "must be above 0 and at most 0.5, such as 0.05")
    return plan


def experiment_row(plan: Plan) -> dict[str, Any]:
    """The columns that hold a plan."""
    return {
        "a": canonical_json(asdict(plan.a)).decode(),
        "b": canonical_json(asdict(plan.b)).decode(),
        "method": plan.method,
        "share": plan.share,
        "level": plan.level,
    }


def read_experiment(row: Row[Any], collection: str) -> Experiment:
    """The experiment of a collection that a row holds."""
    a, b = Arm(**json.loads(row.a)), Arm(**json.loads(row.b))
    return Experiment(
        collection,
        row.number,
        Plan(a, b, row.method, row.share, row.level),
        row.started_at,
        row.started_by,
        ExperimentState(row.state),
        row.searches,
        json.loads(row.evidence),
        row.better,
        row.ended_at,
        row.ended_by,
        row.reason,
    )


def _one_of(value: str, kind: Any, field: str) -> None:
    known = get_args(kind)
    if value not in known:
        raise InvalidFieldError(field, f"is {value[:40]!r}; choose one of {', '.join(known)}")
