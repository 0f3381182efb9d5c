"""How far a job is, made of what it told."""

import pytest

from molt.index.jobs.job import JobKind
from molt.index.jobs.progress import ProgressMeter
from tests.cli.recorded import EVENTS_OF


@pytest.mark.parametrize("kind", JobKind)
def test_a_percentage_never_goes_back_also_where_a_step_begins_again(kind: JobKind) -> None:
    meter = ProgressMeter(kind)
    events = EVENTS_OF[kind]
    seen = [meter.hear(event).percent for event in (*events[: len(events) // 2 + 1], *events)]
    assert seen == sorted(seen)
    assert all(0 <= percent < 100 for percent in seen)


def test_a_retraining_moves_with_its_training_and_its_measurements() -> None:
    meter = ProgressMeter(JobKind.RETRAIN)
    seen = {}
    for event in EVENTS_OF[JobKind.RETRAIN]:
        now = meter.hear(event)
        seen[now.step, now.stage] = now.percent
    assert seen["prepare", None] < seen["train", "training"] < seen["train", "evaluation"]
    documents = [percent for (step, stage), percent in seen.items() if step == "judge" and stage]
    assert documents == sorted(set(documents))
    assert seen["observe", None] > seen["build", "build"] > documents[-1]


def test_the_time_left_counts_no_pause_in_which_nobody_worked() -> None:
    meter = ProgressMeter(JobKind.REINDEX)
    meter.hear({"event": "step", "step": "build", "at": 0.0})
    half = meter.hear({"event": "progress", "stage": "build", "done": 1, "total": 2, "at": 60.0})
    assert half.seconds_left == pytest.approx(60 * (100 - half.percent) / half.percent, abs=1)
    meter.hear({"event": "step", "step": "build", "at": 100_060.0})
    after = meter.hear(
        {"event": "progress", "stage": "build", "done": 1, "total": 2, "at": 100_060.0}
    )
    assert after.seconds_left is not None
    assert after.seconds_left < 300


def test_a_job_of_another_version_is_told_as_far_as_it_is_understood() -> None:
    meter = ProgressMeter("prune")
    now = meter.hear({"event": "step", "step": "look"})
    assert (now.step, now.percent, now.seconds_left) == ("look", 0.0, None)
    assert meter.hear({"event": "progress", "stage": None, "done": "x"}).percent == 0.0
