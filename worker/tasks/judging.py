"""Judging: checkpoints measured on a collection's judged queries, and whether one may serve.

What `molt evaluate` does, and the judging step of jobs: one orchestration for both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from molt.artifact import faultpoint
from molt.encoder.vector_cache import OnProgress, quiet
from molt.index.catalog.judging.split_name import SplitName
from molt.training.config import RetrainConfig
from molt.training.data.config import DataConfig
from molt.training.errors import EvaluationError
from molt.training.evaluation.evaluate import Contenders, evaluate
from molt.training.evaluation.report import EvaluationPlan, Report
from molt.training.evaluation.store import ReportStore
from molt.training.gate import decide
from molt.training.material import Prepared, data_configs, overlaps, prepare_collection
from molt.worker.tasks.runs import run_maker
from molt.worker.tasks.workspace import Workspace


def _unheard(_: object) -> None:
    """For who does not listen."""


@dataclass(frozen=True)
class Listener:
    """Whoever follows an evaluation: its notes, what became of the data, and how far it is."""

    note: Callable[[str], None] = _unheard
    on_prepared: Callable[[Prepared], None] = _unheard
    progress: OnProgress = quiet


@dataclass(frozen=True)
class Evaluation:
    """Which checkpoints of a collection to measure, against which, and how.

    `data` is how the collection's data is prepared where no checkpoint was trained on it.
    """

    collection: str
    candidates: tuple[str, ...]
    baseline: str | None
    plan: EvaluationPlan
    data: DataConfig = field(default_factory=DataConfig)


def measure(workspace: Workspace, asked: Evaluation, *, listener: Listener) -> Report:
    """Measure checkpoints by the search that would serve, over the whole collection.

    The split is what it was when they were trained. Raises what the parts raise.
    """
    with workspace.using(*asked.candidates, asked.baseline):
        return _measure(workspace, asked, listener)


def _measure(workspace: Workspace, asked: Evaluation, listener: Listener) -> Report:
    store = workspace.checkpoints
    contenders = Contenders(
        [store.open(each) for each in asked.candidates],
        baseline=None if asked.baseline is None else store.open(asked.baseline),
    )
    configs = data_configs(asked.collection, contenders.all, otherwise=asked.data)
    for said in overlaps(configs):
        listener.note(said)
    split = SplitName(asked.plan.split)
    with workspace.catalog() as catalog:
        prepared = prepare_collection(
            catalog, asked.collection, config=next(iter(configs)), wanted=(split,)
        )
    listener.on_prepared(prepared)
    return evaluate(
        prepared.trial(split),
        contenders=contenders,
        plan=asked.plan,
        cache=workspace.home.cache,
        make_run=run_maker(workspace.home.cache),
        progress=listener.progress,
    )


def evaluate_checkpoints(
    workspace: Workspace, asked: Evaluation, *, listener: Listener, out: Path | None = None
) -> tuple[Report, Path]:
    """Measure and publish a report, under `out` instead of the home where given; its folder.

    Without candidates the active checkpoint is measured, without a baseline others are compared
    with that one. Raises `EvaluationError` where nothing is named and nothing is active.
    """
    active = workspace.active(asked.collection)
    candidates = asked.candidates or (() if active is None else (active,))
    if not candidates:
        raise EvaluationError("no checkpoint is active; name one with --checkpoint")
    baseline = asked.baseline
    if baseline is None and active not in candidates:
        baseline = active
    chosen = replace(asked, candidates=candidates, baseline=baseline)
    report = measure(workspace, chosen, listener=listener)
    return report, ReportStore(out or workspace.reports).publish(report)


def judge(  # noqa: PLR0913  each by name
    workspace: Workspace,
    collection: str,
    *,
    candidate: str,
    baseline: str,
    config: RetrainConfig,
    progress: OnProgress,
) -> dict[str, Any]:
    """Evaluate a candidate on test next to the checkpoint that serves, and let the gate decide.

    Test is what it was when the candidate was trained, whatever `config` says of data.
    """
    notes: list[str] = []
    asked = Evaluation(collection, (candidate,), baseline, config.plan, config.data)
    listener = Listener(note=notes.append, progress=progress)
    report = measure(workspace, asked, listener=listener)
    faultpoint("evaluation.measured")
    ReportStore(workspace.reports).publish(report)
    faultpoint("report.published")
    decision = decide(report, config=config.gate).to_json()
    return {"report": report.id, "decision": decision, "notes": notes}
