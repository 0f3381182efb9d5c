"""Learning: a collection's data to a checkpoint, a configuration or a smaller checkpoint.

What `molt train`, `tune` and `distil` do, and the training steps of jobs: one orchestration.
What loads torch is imported by the task that needs it.
"""

# ruff: noqa: PLC0415

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from molt.artifact import faultpoint
from molt.worker.tasks.workspace import Workspace

if TYPE_CHECKING:
    from molt.training.config import TrainConfig
    from molt.training.distilling.config import DistilConfig
    from molt.training.distilling.distil import DistilOutcome
    from molt.training.evaluation.report import Report
    from molt.training.fit.progress import OnEvent
    from molt.training.gate import Decision
    from molt.training.material import Material, Prepared
    from molt.training.run import TrainingOutcome
    from molt.training.tuning.study import Tuned
    from molt.worker.tasks.runs import Splittings

    OnPrepared = Callable[[Prepared], None]

_Outcome = TypeVar("_Outcome", bound="TrainingOutcome")


@dataclass(frozen=True)
class DataSource:
    """A collection, more files to learn from, and the checkpoint to start from if not the active.

    `on_prepared` is told what became of the data before anything is learnt from it.
    """

    collection: str
    files: Sequence[Path] = ()
    base: str | None = None
    on_prepared: "OnPrepared | None" = None


@dataclass(frozen=True)
class Trained:
    """What a run handed out, and where its report lies."""

    outcome: "TrainingOutcome"
    report: Path | None
    decision: "Decision | None" = None

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        outcome = self.outcome
        return {
            "run": outcome.run_id,
            "checkpoint": outcome.checkpoint.id,
            "improved": outcome.improved,
            "reason": outcome.reason,
            "report": None if self.report is None else str(self.report),
            **({} if self.decision is None else {"gate": self.decision.to_json()}),
            "dev": {"base": outcome.fitted.base_ndcg10, "epochs": list(outcome.fitted.ndcg10)},
        }


@dataclass(frozen=True)
class Distilled:
    """A student beside its teacher, where the report lies, and why there is none."""

    outcome: "DistilOutcome"
    report: Path | None
    reason: str | None


def train(
    workspace: Workspace, source: DataSource, *, config: "TrainConfig", on_event: "OnEvent"
) -> Trained:
    """Fit, export, prove, and report. Raises `TrainingError`, and what the parts raise."""
    from molt.training.run import train as run

    outcome = _run(
        run, workspace, source, config=config, on_event=on_event, teacher=config.objective.teacher
    )
    return Trained(outcome, _published(workspace, outcome.report))


def train_reranker(
    workspace: Workspace, source: DataSource, *, config: "TrainConfig", on_event: "OnEvent"
) -> Trained:
    """The same with a cross-encoder, which the gate judges too; raises as `train`."""
    from molt.training.reranking.run import train_cross_encoder as run

    outcome = _run(run, workspace, source, config=config, on_event=on_event)
    return Trained(outcome, _published(workspace, outcome.report), outcome.decision)


def tune(
    workspace: Workspace,
    source: DataSource,
    *,
    config: "TrainConfig",
    trials: int,
    on_event: "OnEvent",
) -> "Tuned":
    """Search for the configuration whose encoder ranks dev best."""
    from molt.training.tuning.study import tune as study

    with workspace.using(_base(workspace, source)):
        return study(
            _material(workspace, source, config),
            config=config,
            trials=trials,
            home=workspace.home,
            on_event=on_event,
        )


def distil(  # noqa: PLR0913  each by name
    workspace: Workspace,
    collection: str,
    *,
    config: "DistilConfig",
    teacher: str | None,
    layers: int | None,
    dimensions: int | None,
    on_event: "OnEvent",
) -> Distilled:
    """Make a smaller checkpoint: of `layers` layers, or without them a static embedding."""
    from molt.training.distilling.distil import distil as run
    from molt.training.distilling.recipe import Recipe, choose_shape
    from molt.training.distilling.texts import read_texts
    from molt.worker.tasks.runs import run_maker

    with workspace.using(teacher or workspace.active(collection)):
        opened = workspace.base(collection, wanted=teacher)
        shape = choose_shape(opened, layers=layers, dimensions=dimensions)
        with workspace.catalog() as catalog:
            sample = read_texts(catalog, collection, config=config.data)
        outcome = run(
            Recipe(sample, opened, shape, config),
            store=workspace.checkpoints,
            home=workspace.home,
            make_run=run_maker(workspace.home.cache, _splittings(workspace, collection)),
            on_event=on_event,
        )
    return Distilled(outcome, _published(workspace, outcome.report), sample.reason)


def _run(  # noqa: PLR0913  each by name
    run: Callable[..., _Outcome],
    workspace: Workspace,
    source: DataSource,
    *,
    config: "TrainConfig",
    on_event: "OnEvent",
    teacher: str | None = None,
) -> _Outcome:
    """What a run makes of the data of `source`, while nobody removes what it works with."""
    from molt.worker.tasks.runs import run_maker

    with workspace.using(_base(workspace, source), teacher):
        material = _material(workspace, source, config)
        faultpoint("train.begun")
        return run(
            material,
            config=config,
            store=workspace.checkpoints,
            home=workspace.home,
            make_run=run_maker(workspace.home.cache, _splittings(workspace, source.collection)),
            on_event=on_event,
        )


def _base(workspace: Workspace, source: DataSource) -> str | None:
    return source.base or workspace.active(source.collection)


def _splittings(workspace: Workspace, collection: str) -> "Splittings":
    """Both encoders of a report compared by passages as a new index of either would have them."""
    from molt.worker.tasks.runs import Splittings

    with workspace.catalog() as catalog:
        return Splittings(catalog.collections.get(collection).splitting)


def _material(workspace: Workspace, source: DataSource, config: "TrainConfig") -> "Material":
    from molt.training.material import prepare_collection, with_base

    with workspace.catalog() as catalog:
        prepared = prepare_collection(
            catalog, source.collection, config=config.data, files=source.files
        )
    if source.on_prepared is not None:
        source.on_prepared(prepared)
    return with_base(prepared, workspace.base(source.collection, wanted=source.base))


def _published(workspace: Workspace, report: "Report | None") -> Path | None:
    from molt.training.evaluation.store import ReportStore

    return None if report is None else ReportStore(workspace.reports).publish(report)
