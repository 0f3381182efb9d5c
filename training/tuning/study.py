"""The study: trials one after the other, each a short run, until enough of them are over.

Trials are chosen by a tree-structured Parzen estimator (Bergstra et al. 2011); one that lies below
the median of the others after the same epoch is stopped. Everything is kept in one SQLite file, so
a killed study goes on, and the trial that was interrupted is tried again.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

import optuna
from optuna import Study, Trial
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from molt.artifact import canonical_json
from molt.training.config import TrainConfig
from molt.training.errors import FitError
from molt.training.fit.fit import fit
from molt.training.fit.fitted import Workplace
from molt.training.fit.progress import Event, Watch, unwatched
from molt.training.material import Material
from molt.training.run import Places, name_run
from molt.training.run_lock import alone
from molt.training.tuning.space import suggest

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
    places: Places,
    watch: Watch = unwatched,
) -> Tuned:
    """Run until `trials` trials are over, those of earlier calls included.

    Only dev is looked at. Raises `FitError` where the teacher is needed, without which one tunes,
    and where another process is at the same study.
    """
    if config.objective.teacher is not None:
        raise FitError("tuning learns from no teacher; leave objective.teacher out")
    name = _name(material, config)
    with alone(places.runs / name):
        return _tune(_open(name, config, places), _Tuning(material, config, places, watch), trials)


def _tune(study: Study, tuning: "_Tuning", trials: int) -> Tuned:
    while (over := len(study.get_trials(deepcopy=False, states=_OVER))) < trials:
        tuning.watch(Event("trials", step=over, steps=trials))
        study.optimize(tuning.run, n_trials=1)
    best = study.best_trial
    return Tuned(
        config=suggest(optuna.trial.FixedTrial(best.params), tuning.config),
        ndcg10=best.values[0],
        base_ndcg10=best.user_attrs["base_ndcg10"],
        trials=over,
        stopped=len(study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))),
    )


def _name(material: Material, config: TrainConfig) -> str:
    body = [material.base.id, material.dataset.digest, config.model_dump(mode="json")]
    return hashlib.sha256(canonical_json(body)).hexdigest()[:16]


def _open(name: str, config: TrainConfig, places: Places) -> Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{places.runs / 'studies.sqlite3'}",
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
        self, material: Material, config: TrainConfig, places: Places, watch: Watch
    ) -> None:
        self.config = config
        self.watch = watch
        self._material = material
        self._places = places

    def run(self, trial: Trial) -> float:
        """nDCG@10 on dev of the trial's best epoch, the base's where none is better."""
        config = suggest(trial, self.config)
        folder = self._places.runs / name_run(self._material, config)
        workplace = Workplace(folder, self._places.cache)

        def watch(event: Event) -> None:
            self.watch(event)
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
                workplace=workplace,
                watch=watch,
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
            rmtree(self._places.runs / kept, ignore_errors=True)
        trial.study.set_user_attr("best_run", folder.name)
