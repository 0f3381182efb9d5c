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
from molt.training.config import TrainConfig
from molt.training.data.card import write_data_card
from molt.training.evaluation.evaluate import Contenders, evaluate
from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.report import Curves, EvaluationPlan, Report
from molt.training.evaluation.runs import MakeRun
from molt.training.export.checkpoints import Provenance, make_checkpoint
from molt.training.fit.fit import fit
from molt.training.fit.fitted import Fitted, RunFolder
from molt.training.fit.progress import OnEvent, TrainingEvent, told, unwatched
from molt.training.material import Material
from molt.training.run_lock import exclusive_run
from molt.training.uses import note_uses

_FORMAT = 1
_EXPORTED = "checkpoint"
_REFUSED = "refused"


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
    run_folder = RunFolder(home.runs / run_id, home.cache)
    _forget_lost(run_folder, store)
    note_uses(run_folder.folder, (material.base.id, config.objective.teacher))
    write_data_card(material.card, run_folder.folder)
    teacher = None if config.objective.teacher is None else store.open(config.objective.teacher)
    fitted = fit(
        material.base,
        material.dataset,
        config=config,
        run_folder=run_folder,
        teacher=teacher,
        on_event=on_event,
    )
    faultpoint("train.fitted")
    if not fitted.improved:
        reason = f"no epoch ranks dev better than the base ({fitted.base_ndcg10:.4f})"
        return TrainingOutcome(run_id, material.base, fitted, None, reason)
    refused = run_folder.folder / _REFUSED
    if refused.exists():
        return TrainingOutcome(
            run_id, material.base, fitted, None, refused.read_text(encoding="utf-8")
        )
    on_event(TrainingEvent("export"))
    candidate = _export(material, fitted, config=config, store=store, run_folder=run_folder)
    measured = _Measuring(material, candidate, home, make_run, on_event)
    on_event(TrainingEvent("evaluation"))
    dev = measured.on(SplitName.DEV)
    if dev.candidates[0].measures[PRIMARY].mean < _baseline(dev):
        reason = _refusal(dev)
        write_atomically(refused, reason.encode())
        if candidate.data == _data(material):  # equal weights may have come of other data before
            store.remove(candidate.id)
        return TrainingOutcome(run_id, material.base, fitted, None, reason)
    report = replace(measured.on(SplitName.TEST), curves=_curves(fitted))
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


def _export(
    material: Material,
    fitted: Fitted,
    *,
    config: TrainConfig,
    store: CheckpointStore,
    run_folder: RunFolder,
) -> Checkpoint:
    base = material.base
    done = run_folder.folder / _EXPORTED
    if done.exists():
        return store.open(done.read_text(encoding="utf-8"))
    made = make_checkpoint(
        run_folder.model,
        store=store,
        pooling=base.pooling,
        prompts=base.prompts,
        max_length=base.max_length,
        provenance=Provenance(
            base_model=base.base_model,
            parent=base.id,
            training=config.model_dump(mode="json"),
            data=_data(material),
            metrics={
                "dev_ndcg10_base": fitted.base_ndcg10,
                "dev_ndcg10": max(fitted.ndcg10),
                "epoch": fitted.best_epoch,
            },
        ),
    )
    write_atomically(done, made.id.encode())
    return made


def _data(material: Material) -> dict[str, str]:
    """What a checkpoint says of the data that it learnt from."""
    return {"collection": material.collection, "digest": material.dataset.digest}


def _forget_lost(run_folder: RunFolder, store: CheckpointStore) -> None:
    """Begin anew where the checkpoint that a run once made has been removed since, by others."""
    done = run_folder.folder / _EXPORTED
    if not done.exists() or (run_folder.folder / _REFUSED).exists():
        return
    if done.read_text(encoding="utf-8") not in store.ids():
        rmtree(run_folder.folder)


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


def _curves(fitted: Fitted) -> Curves:
    dev = (fitted.base_ndcg10, *fitted.ndcg10)
    return Curves(
        loss=fitted.losses, dev=tuple(enumerate(dev)), late_interaction=fitted.late_interaction
    )
