"""The study: trials one after the other, each a short run, until enough of them are over.

Trials are chosen by a tree-structured Parzen estimator (Bergstra et al. 2011); one that lies below
the median of the others after the same epoch is stopped. Everything is kept in one SQLite file, so
a killed study goes on, and the trial that was interrupted is tried again.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

import optuna
from optuna import Study, Trial
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from molt.artifact import Home, canonical_json
from molt.training.config import TrainConfig
from molt.training.errors import FitError
from molt.training.fit.fit import fit
from molt.training.fit.fitted import RunFolder
from molt.training.fit.progress import OnEvent, TrainingEvent, unwatched
from molt.training.material import Material
from molt.training.run import name_run
from molt.training.run_lock import exclusive_run
from molt.training.uses import note_uses

_OVER = (TrialState.COMPLETE, TrialState.PRUNED)
_UNTOUCHED = 4  # trials before the first may be stopped early


@dataclass(frozen=True)
class Tuned:
    """The best configuration, its nDCG@10 on dev, the base's, and how many trials are over."""

    config: TrainConfig
    ndcg10: float
    base_ndcg10: float
    trials: int
    stopped: int


def tune(
    material: Material,
    *,
    config: TrainConfig,
    trials: int,
    home: Home,
    on_event: OnEvent = unwatched,
) -> Tuned:
    """Run until `trials` trials are over, those of earlier calls included.

    Only dev is looked at. Raises `FitError` where the teacher is needed, without which one tunes,
    and where another process is at the same study.
    """
    if config.objective.teacher is not None:
        raise FitError("tuning learns from no teacher; leave objective.teacher out")
    name = _name(material, config)
    folder = home.runs / name
    with exclusive_run(folder):
        note_uses(folder, (material.base.id,))
        found = _tune(_open(name, config, home), _Tuning(material, config, home, on_event), trials)
        rmtree(folder)  # one that was interrupted keeps it
        return found


def _tune(study: Study, tuning: "_Tuning", trials: int) -> Tuned:
    while (over := len(study.get_trials(deepcopy=False, states=_OVER))) < trials:
        tuning.on_event(TrainingEvent("trials", step=over, steps=trials))
        study.optimize(tuning.run, n_trials=1)
    best = study.best_trial
    return Tuned(
        config=_suggest(optuna.trial.FixedTrial(best.params), tuning.config),
        ndcg10=best.values[0],
        base_ndcg10=best.user_attrs["base_ndcg10"],
        trials=over,
        stopped=len(study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))),
    )


def _name(material: Material, config: TrainConfig) -> str:
    body = [material.base.id, material.dataset.digest, config.model_dump(mode="json")]
    return hashlib.sha256(canonical_json(body)).hexdigest()[:16]


def _open(name: str, config: TrainConfig, home: Home) -> Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{home.runs / 'studies.sqlite3'}",
        study_name=name,
        direction="maximize",
        load_if_exists=True,
        pruner=MedianPruner(n_startup_trials=_UNTOUCHED),
    )
    # The sampler's own state is not stored: with the same seed it would draw the same trials again.
    made = len(study.get_trials(deepcopy=False))
    study.sampler = TPESampler(seed=config.run.seed + made)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        study.enqueue_trial(trial.params)
    return study


class _Tuning:
    """What a trial does."""

    def __init__(
        self, material: Material, config: TrainConfig, home: Home, on_event: OnEvent
    ) -> None:
        self.config = config
        self.on_event = on_event
        self._material = material
        self._home = home

    def run(self, trial: Trial) -> float:
        """nDCG@10 on dev of the trial's best epoch, the base's where none is better."""
        config = _suggest(trial, self.config)
        folder = self._home.runs / name_run(self._material, config)
        run_folder = RunFolder(folder, self._home.cache)

        def report(event: TrainingEvent) -> None:
            self.on_event(event)
            if event.ndcg10 is None or not event.step:
                return
            trial.report(event.ndcg10, step=round(event.epoch))
            if trial.should_prune():
                raise optuna.TrialPruned

        try:
            fitted = fit(
                self._material.base,
                self._material.dataset,
                config=config,
                run_folder=run_folder,
                on_event=report,
            )
        except optuna.TrialPruned:
            rmtree(folder)
            raise
        trial.set_user_attr("base_ndcg10", fitted.base_ndcg10)
        best = max(fitted.base_ndcg10, *fitted.ndcg10)
        self._keep_best(trial, folder, best)
        return best

    def _keep_best(self, trial: Trial, folder: Path, value: float) -> None:
        """Only the best trial's run stays: `molt train` then goes straight to its export."""
        done = trial.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        former = max((one.values[0] for one in done), default=-1.0)
        kept = trial.study.user_attrs.get("best_run")
        if folder.name == kept:
            return  # the best configuration came up again
        if value <= former:
            rmtree(folder)
            return
        if kept is not None:
            rmtree(self._home.runs / kept, ignore_errors=True)
        trial.study.set_user_attr("best_run", folder.name)


def _suggest(trial: optuna.trial.BaseTrial, config: TrainConfig) -> TrainConfig:
    """The configuration that a trial tries: what is not tuned stays as it is."""
    proposed: dict[str, dict[str, Any]] = {
        "optimiser": {
            "learning_rate": trial.suggest_float("optimiser.learning_rate", 1e-5, 2e-4, log=True),
            "layer_decay": trial.suggest_float("optimiser.layer_decay", 0.7, 1.0),
            "warmup": trial.suggest_float("optimiser.warmup", 0.0, 0.2),
        },
        "objective": {"scale": trial.suggest_float("objective.scale", 10.0, 60.0, log=True)},
        "negatives": {
            "per_query": trial.suggest_int("negatives.per_query", 0, 3),
            "margin": trial.suggest_float("negatives.margin", 0.0, 0.2),
        },
        "run": {"batch_size": trial.suggest_categorical("run.batch_size", [32, 64, 128])},
    }
    values = config.model_dump()
    for section, keys in proposed.items():
        values[section] |= keys
    return TrainConfig.model_validate(values)
