"""A training run from data to decision: fit, export, prove, and report.

A run is named by all that goes into it, so a killed one goes on where it stopped and a finished
one is not repeated. Where the exported candidate is not better than its base on dev, the base is
what comes out.
"""

import hashlib
from dataclasses import dataclass, replace
from shutil import rmtree

from molt.artifact import Home, canonical_json, faultpoint, write_atomically
from molt.encoder import Checkpoint, CheckpointStore
from molt.index.catalog.judging.split_name import SplitName
from molt.training.candidate import begin_run, data_of, export_fitted
from molt.training.config import TrainConfig
from molt.training.evaluation.evaluate import Contenders, evaluate
from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.report import EvaluationPlan, Report
from molt.training.evaluation.runs import MakeRun
from molt.training.fit.fit import fit
from molt.training.fit.fitted import Fitted, RunFolder
from molt.training.fit.progress import OnEvent, TrainingEvent, told, unwatched
from molt.training.material import Material
from molt.training.run_lock import exclusive_run

_FORMAT = 1


@dataclass(frozen=True)
class TrainingOutcome:
    """What a run handed out: a new checkpoint with its report on test, or the base and why."""

    run_id: str
    checkpoint: Checkpoint
    fitted: Fitted
    report: Report | None
    reason: str | None

    @property
    def improved(self) -> bool:
        """Whether the checkpoint is a new one."""
        return self.report is not None


def train(  # noqa: PLR0913  each by name
    material: Material,
    *,
    config: TrainConfig,
    store: CheckpointStore,
    home: Home,
    make_run: MakeRun,
    on_event: OnEvent = unwatched,
) -> TrainingOutcome:
    """Train, and hand out a checkpoint that is at least as good on dev as its base.

    Raises `FitError` for what cannot be fitted and where another process is at the same run, and
    what export and evaluation raise.
    """
    run_id = name_run(material, config)
    with exclusive_run(home.runs / run_id):
        return _train(
            run_id,
            material,
            config=config,
            store=store,
            home=home,
            make_run=make_run,
            on_event=on_event,
        )


def _train(  # noqa: PLR0913  each by name
    run_id: str,
    material: Material,
    *,
    config: TrainConfig,
    store: CheckpointStore,
    home: Home,
    make_run: MakeRun,
    on_event: OnEvent,
) -> TrainingOutcome:
    named = config.objective.teacher
    run_folder = begin_run(run_id, material, home=home, store=store, teacher=named)
    fitted = fit(
        material.base,
        material.dataset,
        config=config,
        run_folder=run_folder,
        teacher=None if named is None else store.open(named),
        on_event=on_event,
    )
    faultpoint("train.fitted")
    reason = _unexported(fitted, run_folder)
    if reason is not None:
        return TrainingOutcome(run_id, material.base, fitted, None, reason)
    on_event(TrainingEvent("export"))
    candidate = export_fitted(
        material, fitted, config=config, store=store, run_folder=run_folder, like=material.base
    )
    on_event(TrainingEvent("evaluation"))
    measured = _Measuring(material, candidate, home, make_run, on_event)
    reason = _refused(measured, store, run_folder)
    if reason is not None:
        return TrainingOutcome(run_id, material.base, fitted, None, reason)
    report = replace(measured.on(SplitName.TEST), curves=fitted.curves)
    rmtree(run_folder.model, ignore_errors=True)
    return TrainingOutcome(run_id, candidate, fitted, report, None)


def name_run(material: Material, config: TrainConfig) -> str:
    """16 hex digits over the base, the data and the configuration."""
    body = {
        "format": _FORMAT,
        "base": material.base.id,
        "data": material.dataset.digest,
        "config": config.model_dump(mode="json"),
    }
    return hashlib.sha256(canonical_json(body)).hexdigest()[:16]


def _unexported(fitted: Fitted, run_folder: RunFolder) -> str | None:
    """Why there is nothing to export, or nothing any more; None where there is."""
    if not fitted.improved:
        return f"no epoch ranks dev better than the base ({fitted.base_ndcg10:.4f})"
    refused = run_folder.refused
    return refused.read_text(encoding="utf-8") if refused.exists() else None


def _refused(measured: "_Measuring", store: CheckpointStore, run_folder: RunFolder) -> str | None:
    """Why the candidate is not handed out, by dev; it is then removed, and the run knows it."""
    dev, material = measured.on(SplitName.DEV), measured.material
    if dev.candidates[0].measures[PRIMARY].mean >= _baseline(dev):
        return None
    reason = _refusal(dev)
    write_atomically(run_folder.refused, reason.encode())
    candidate = measured.candidate
    if candidate.data == data_of(material):  # equal weights may have come of other data before
        store.remove(candidate.id)
    return reason


@dataclass(frozen=True)
class _Measuring:
    """The candidate against its base, each as it serves here."""

    material: Material
    candidate: Checkpoint
    home: Home
    make_run: MakeRun
    on_event: OnEvent

    def on(self, split: SplitName) -> Report:
        """A report over the whole corpus."""
        return evaluate(
            self.material.trial(split),
            contenders=Contenders([self.candidate], baseline=self.material.base),
            plan=EvaluationPlan(split=split),
            cache=self.home.cache,
            make_run=self.make_run,
            progress=told(self.on_event),
        )


def _baseline(report: Report) -> float:
    return 0.0 if report.baseline is None else report.baseline.measures[PRIMARY].mean


def _refusal(dev: Report) -> str:
    return (
        f"the exported candidate ranks dev worse than the base: {PRIMARY} "
        f"{dev.candidates[0].measures[PRIMARY].mean:.4f} against {_baseline(dev):.4f}"
    )
