"""What jobs of each kind tell on their way: the events of real ones, shortened."""

from typing import Any

from molt.index.jobs.job import JobKind

CHECKPOINTS = ("b" * 16, "c" * 16)
WHAT = ("queries", "documents", "rankings")


def _told(*events: dict[str, Any]) -> list[dict[str, Any]]:
    return [event | {"at": 1_795_282_054.0 + 5 * number} for number, event in enumerate(events)]


def _step(name: str) -> dict[str, Any]:
    return {"event": "step", "step": name}


def _progress(stage: str, done: int, total: int, **facts: Any) -> dict[str, Any]:
    return {"event": "progress", "stage": stage, "done": done, "total": total} | facts


def _stage(name: str, **facts: Any) -> dict[str, Any]:
    return {"event": "stage", "stage": name, "step": 0, "steps": 0, "epoch": 0.0} | facts


def _measured(*, splits: int = 1) -> list[dict[str, Any]]:
    stages = [f"{what} by {one}" for one in CHECKPOINTS for what in WHAT]
    return [_progress(stage, done, 40) for stage in stages * splits for done in (0, 20, 40)]


_TRAINED = (
    _stage("negatives"),
    _stage("dev of the base"),
    _stage("dev", ndcg10=0.41),
    _progress("training", 5, 20, loss=0.9, seconds_left=600.0, epoch=0.5),
    _progress("training", 10, 20, loss=0.7, seconds_left=300.0, epoch=1.0),
    _stage("dev", step=10, steps=20, epoch=1.0, ndcg10=0.52, seconds_left=300.0),
    _progress("training", 20, 20, loss=0.5, seconds_left=0.0, epoch=2.0),
    _stage("dev", step=20, steps=20, epoch=2.0, ndcg10=0.55, seconds_left=0.0),
)
_FLIPPED = (
    _step("flip"),
    {"event": "flipped", "generation": "f" * 32, "epoch": 2},
    _step("observe"),
)
_BUILT = (_step("build"), _progress("build", 1024, 4966), _progress("build", 4966, 4966))

EVENTS_OF = {
    JobKind.RETRAIN: _told(
        _step("prepare"),
        _step("train"),
        *_TRAINED,
        _stage("export"),
        _stage("evaluation"),
        *_measured(splits=2),
        _step("judge"),
        *_measured(),
        *_BUILT,
        *_FLIPPED,
    ),
    JobKind.RELOAD: _told(*_BUILT, *_FLIPPED),
    JobKind.REINDEX: _told(_step("checkpoint"), *_BUILT, *_FLIPPED),
    JobKind.MERGE: _told(_step("checkpoint"), *_BUILT, *_FLIPPED),
    JobKind.EVALUATE: _told(_step("prepare"), _step("judge"), *_measured()),
    JobKind.TUNE: _told(
        _step("prepare"),
        _step("tune"),
        _progress("trials", 0, 2),
        *_TRAINED,
        _progress("trials", 1, 2),
        *_TRAINED,
    ),
    JobKind.TUNE_SEARCH: _told(
        _step("prepare"),
        _step("tune"),
        _progress("both legs", 10, 20),
        _progress("both legs", 20, 20),
        _progress("re-ranking", 10, 20),
        _step("release"),
        _step("observe"),
    ),
    JobKind.EXPORT: _told(_step("export")),
}
