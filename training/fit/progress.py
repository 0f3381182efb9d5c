"""Progress of a run: what happened, as one JSON object a line, and for whoever watches."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from molt.training.fit.dev import METRIC


@dataclass(frozen=True)
class Event:
    """What a run tells: `step` of `steps`, `loss` since the last event, seconds left; after an
    epoch dev nDCG@10 or, in distilling, the mean cosine to the teacher's vectors of held-out texts.
    Fields that do not apply are None.
    """

    stage: str
    step: int = 0
    steps: int = 0
    epoch: float = 0.0
    loss: float | None = None
    ndcg10: float | None = None
    cosine: float | None = None
    seconds_left: float | None = None

    def fields(self) -> dict[str, Any]:
        """What applies."""
        return {name: value for name, value in asdict(self).items() if value is not None}


Watch = Callable[[Event], None]


def unwatched(event: Event) -> None:
    """For a run that nobody watches."""


def told(watch: Watch) -> Callable[[str, int, int], None]:
    """Progress, a stage and how much of how much of it is done, as events for `watch`."""

    def report(stage: str, done: int, total: int) -> None:
        watch(Event(stage, step=done, steps=total))

    return report


class EventLog:
    """Events as lines of JSON in a file, without what does not apply; also for `watch`."""

    def __init__(self, path: Path, watch: Watch) -> None:
        self._path = path
        self._watch = watch

    def __call__(self, event: Event) -> None:
        """Keep an event and pass it on."""
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({"at": round(time.time(), 3)} | event.fields()) + "\n")
        self._watch(event)


class Reporter(TrainerCallback):
    """Turns what the trainer logs into events."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._began = (0, 0.0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG002
        """A run that resumes begins at the step where it stopped."""
        self._began = (state.global_step, time.monotonic())

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:  # noqa: ARG002
        """Loss and pace while training, nDCG@10 after an epoch."""
        logs = more.get("logs") or {}
        if "loss" in logs:
            self._watch(self._event("training", state, loss=logs["loss"]))
        if f"eval_{METRIC}" in logs:
            self._watch(self._event("dev", state, ndcg10=logs[f"eval_{METRIC}"]))

    def _event(self, stage: str, state: Any, **values: float) -> Event:
        step, began = self._began
        done = state.global_step - step
        pace = (time.monotonic() - began) / done if done else None
        left = None if pace is None else round(pace * (state.max_steps - state.global_step), 1)
        return Event(
            stage=stage,
            step=state.global_step,
            steps=state.max_steps,
            epoch=round(state.epoch or 0.0, 3),
            seconds_left=left,
            **values,
        )
