"""Progress: how far a job is as a whole, made of what its steps tell.

`molt train` and `molt distil` are no jobs, and tell the same. Pure: reads no queue. A percentage
never goes back, though a step that was interrupted begins again.
"""

from collections.abc import Mapping
from typing import Any

from molt.index.jobs.job import JobKind, JobProgress

_SHARES: Mapping[str, Mapping[str, float]] = {
    JobKind.RETRAIN: {
        "prepare": 1,
        "train": 67,
        "judge": 12,
        "build": 16,
        "flip": 1,
        "observe": 3,
    },
    JobKind.RELOAD: {"build": 92, "flip": 3, "observe": 5},
    JobKind.REINDEX: {"checkpoint": 1, "build": 91, "flip": 3, "observe": 5},
    JobKind.MERGE: {"checkpoint": 1, "build": 91, "flip": 3, "observe": 5},
    JobKind.EVALUATE: {"prepare": 3, "judge": 97},
    JobKind.TUNE: {"prepare": 2, "tune": 98},
    JobKind.TUNE_SEARCH: {"prepare": 5, "tune": 85, "release": 2, "observe": 8},
    JobKind.EXPORT: {"export": 100},
    "train": {"train": 100},
    "distil": {"distil": 100},
}
"""About how much of its time a job spends in each of its steps, in percent."""

_PHASES: Mapping[str | None, Mapping[str, tuple[float, float]]] = {
    "train": {"training": (0.05, 0.75), "export": (0.75, 0.85), "evaluation": (0.85, 1.0)},
    "distil": {"training": (0.3, 0.75), "export": (0.75, 0.85), "evaluation": (0.85, 1.0)},
}
"""Where in a step its stages lie; what comes before the first one is prepared or taught."""
_MEASUREMENTS = {"train": 12, "judge": 13, "distil": 6}
"""How many stages an evaluation has in a step: queries, documents, rankings of each contender."""
_MOST = 99.0
_PAUSE_SECONDS = 120.0
_TOO_EARLY = 3.0


def event_of(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a training told, as an event of a job: how far a stage is, or what it has come to."""
    if not told.get("steps") or "ndcg10" in told:
        return {"event": "stage"} | dict(told)
    extent = {"stage": told["stage"], "done": told["step"], "total": told["steps"]}
    facts = {name: told[name] for name in ("loss", "seconds_left", "epoch") if name in told}
    return {"event": "progress"} | extent | facts


class ProgressMeter:
    """Listens to the events of one job, in their order."""

    def __init__(self, kind: str) -> None:
        self._shares = _SHARES.get(kind, {})
        self._step: str | None = None
        self._stage: str | None = None
        self._within = 0.0
        self._phase = (0.0, 1.0)
        self._measured = 0
        self._trials = (0.0, 1.0)
        self._percent = 0.0
        self._worked = 0.0
        self._at: float | None = None
        self._training_left: float | None = None

    def hear(self, content: Mapping[str, Any]) -> JobProgress:
        """How far the job is after one more event."""
        self._time(_number(content.get("at")))
        if content.get("event") == "step":
            self._begin(str(content.get("step")))
        elif content.get("event") in {"progress", "stage"}:
            self._advance(str(content.get("stage")), content)
        self._percent = max(self._percent, min(_MOST, self._reckoned()))
        return self.now

    @property
    def now(self) -> JobProgress:
        """How far the job is after all that was heard."""
        left = self._training_left
        if self._percent >= _TOO_EARLY and self._worked:
            estimate = self._worked * (100.0 - self._percent) / self._percent
            left = max(estimate, left or 0.0)
        return JobProgress(
            self._step,
            self._stage,
            round(self._percent, 1),
            None if left is None else round(left, 1),
        )

    def _begin(self, step: str) -> None:
        self._step, self._stage, self._within = step, None, 0.0
        phases = _PHASES.get(step, {}).values()
        self._phase = (0.0, min((first for first, _ in phases), default=1.0))
        self._measured, self._trials = 0, (0.0, 1.0)
        self._training_left = None

    def _advance(self, stage: str, content: Mapping[str, Any]) -> None:
        self._stage = stage
        done, total = _extent(content)
        fraction = min(1.0, done / total) if total else 0.0
        self._training_left = None
        if stage == "trials" and total:
            self._trials = (fraction, 1.0 / total)
            self._within = fraction
        elif stage in (phases := _PHASES.get(self._step, {})):
            first, last = self._phase = phases[stage]
            self._measured, self._within = 0, first + (last - first) * fraction
            self._training_left = _number(content.get("seconds_left"))
        elif stage == "training":
            first, size = self._trials
            self._within = first + size * fraction
        elif content.get("event") == "progress" and self._step in _MEASUREMENTS:
            self._measure(self._step, fraction)
        elif content.get("event") == "progress":
            self._within = fraction

    def _measure(self, step: str, fraction: float) -> None:
        """Queries, documents or rankings of one contender; nobody tells how many there will be."""
        stages = _MEASUREMENTS[step]
        first, last = self._phase
        measured = min(1.0, (self._measured + fraction) / stages)
        self._within = max(self._within, first + (last - first) * measured)
        self._measured += fraction >= 1.0

    def _time(self, at: float | None) -> None:
        if at is None:
            return
        if self._at is not None:  # nobody was at work in a long pause
            self._worked += min(max(0.0, at - self._at), _PAUSE_SECONDS)
        self._at = at

    def _reckoned(self) -> float:
        if self._step not in self._shares:
            return self._percent
        before = 0.0
        for name, share in self._shares.items():
            if name == self._step:
                return before + share * self._within
            before += share
        return before


def _extent(content: Mapping[str, Any]) -> tuple[float, float]:
    """How much of how much: of `progress` events, or of the raw ones of a training."""
    done = _number(content.get("done", content.get("step")))
    total = _number(content.get("total", content.get("steps")))
    return done or 0.0, total or 0.0


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
