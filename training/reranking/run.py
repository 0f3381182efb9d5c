"""A cross-encoder's run from data to decision: fit, export, prove, report, and let the gate decide.

Named, kept and gone on with as every run is. What it hands out is a checkpoint of its own kind,
whose manifest says whether it passed the gate.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree

from molt.artifact import Home, canonical_json, faultpoint
from molt.encoder import Checkpoint, CheckpointStore, Encoder, ModelKind
from molt.encoder.checkpoint import GATE, write_checkpoint
from molt.index.catalog.judging.split_name import SplitName
from molt.training.candidate import begin_run, export_fitted
from molt.training.config import TrainConfig
from molt.training.errors import FitError
from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.report import EvaluationPlan, Report
from molt.training.evaluation.runs import MakeRun
from molt.training.fit.embedding import opened
from molt.training.fit.fitted import Fitted
from molt.training.fit.progress import OnEvent, TrainingEvent, told, unwatched
from molt.training.gate import Decision, decide
from molt.training.gate_config import GateConfig
from molt.training.material import Material
from molt.training.reranking.candidates import RankedTrial
from molt.training.reranking.fitting import fit_cross_encoder
from molt.training.reranking.groups import PairGroup, make_groups
from molt.training.reranking.judging import judge_cross_encoder
from molt.training.run import TrainingOutcome, name_run
from molt.training.run_lock import exclusive_run

_WITHOUT_COST = {"max_slowdown": 1e6, "max_growth": 1e6}
"""A cross-encoder is asked beside the encoder, not in its place: only what it ranks is compared."""


@dataclass(frozen=True)
class CrossEncoderOutcome(TrainingOutcome):
    """What a run handed out, and what the gate says of it, where there is a new checkpoint."""

    decision: Decision | None = None


@dataclass(frozen=True)
class _Prepared:
    """What is learnt from, and what dev and test are measured by."""

    groups: list[PairGroup]
    dev: RankedTrial
    test: RankedTrial


def train_cross_encoder(  # noqa: PLR0913  each by name
    material: Material,
    *,
    config: TrainConfig,
    store: CheckpointStore,
    home: Home,
    make_run: MakeRun,
    on_event: OnEvent = unwatched,
) -> CrossEncoderOutcome:
    """Train a cross-encoder on the weights of `material.base`, to re-rank what that finds.

    Where no epoch re-ranks dev better than the base ranks it, the base is what comes out. Raises
    `FitError` for what cannot be fitted, and what export and evaluation raise.
    """
    _require_layers(material.base)
    run_id = _named(material, config)
    with exclusive_run(home.runs / run_id):
        run_folder = begin_run(run_id, material, home=home, store=store)
        on_event(TrainingEvent("negatives"))
        prepared = _prepare(material, config, home=home, make_run=make_run, on_event=on_event)
        fitted = fit_cross_encoder(
            material.base,
            prepared.groups,
            dev=prepared.dev,
            config=config,
            run_folder=run_folder,
            on_event=on_event,
        )
        faultpoint("train.fitted")
        if not fitted.improved:
            ranked = f"the base ranks it ({fitted.base_ndcg10:.4f})"
            reason = f"no epoch re-ranks dev better than {ranked}"
            return CrossEncoderOutcome(run_id, material.base, fitted, None, reason)
        on_event(TrainingEvent("export"))
        made = export_fitted(material, fitted, config=config, store=store, run_folder=run_folder)
        on_event(TrainingEvent("evaluation"))
        report, decision = _judged(material, fitted, made, test=prepared.test, cache=home.cache)
        noted = _noted(made, report, decision)
        rmtree(run_folder.model, ignore_errors=True)
    return CrossEncoderOutcome(run_id, noted, fitted, report, None, decision)


def _require_layers(base: Checkpoint) -> None:
    if base.kind is not ModelKind.BI_ENCODER:
        raise FitError(
            f"{base.id} is a {base.kind}, whose layers no cross-encoder can start from; name a "
            "bi-encoder with --base"
        )


def _judged(
    material: Material,
    fitted: Fitted,
    made: Checkpoint,
    *,
    test: RankedTrial,
    cache: Path,
) -> tuple[Report, Decision]:
    """What the exported graph makes of the test queries' candidates, and what the gate says."""
    report = judge_cross_encoder(
        test,
        made,
        baseline=material.base,
        plan=EvaluationPlan(split=SplitName.TEST),
        cache=cache,
    )
    report = replace(report, curves=fitted.curves, data_card=material.card.to_json())
    return report, decide(report, config=GateConfig(**_WITHOUT_COST))


def _named(material: Material, config: TrainConfig) -> str:
    """16 hex digits; the same data and configuration make another run of another kind."""
    body = {"run": name_run(material, config), "kind": ModelKind.CROSS_ENCODER}
    return hashlib.sha256(canonical_json(body)).hexdigest()[:16]


def _prepare(
    material: Material, config: TrainConfig, *, home: Home, make_run: MakeRun, on_event: OnEvent
) -> _Prepared:
    with opened(material.base, home.cache) as encoder:
        groups = make_groups(material.dataset, encoder, config=config, cache=home.cache)
        dev, test = (
            _ranked(material, encoder, split, config, make_run, on_event)
            for split in (SplitName.DEV, SplitName.TEST)
        )
    return _Prepared(groups, dev, test)


def _ranked(  # noqa: PLR0913, PLR0917  called in one place
    material: Material,
    encoder: Encoder,
    split: SplitName,
    config: TrainConfig,
    make_run: MakeRun,
    on_event: OnEvent,
) -> RankedTrial:
    trial = material.trial(split)
    run = make_run(encoder, trial, told(on_event)).judged
    return RankedTrial(trial, run, min(config.cross_encoder.depth, run.rows.shape[1]))


def _noted(made: Checkpoint, report: Report, decision: Decision) -> Checkpoint:
    """The checkpoint whose manifest says what the gate said; a later service asks it alone."""
    (candidate,) = report.candidates
    metrics = {
        "test_ndcg10": candidate.measures[PRIMARY].mean,
        GATE: {"accepted": decision.accepted, "reasons": list(decision.reasons)},
    }
    if report.baseline is not None:
        metrics["test_ndcg10_base"] = report.baseline.measures[PRIMARY].mean
    noted = replace(made, metrics={**made.metrics, **metrics})
    write_checkpoint(noted)
    return noted
