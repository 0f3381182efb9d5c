"""The search space: which keys are tried, and between which bounds."""

from typing import Any

from optuna.trial import BaseTrial

from molt.training.config import TrainConfig


def suggest(trial: BaseTrial, config: TrainConfig) -> TrainConfig:
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
