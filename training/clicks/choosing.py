"""Choosing a click model: the one that is least surprised by clicks which it has not seen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from molt.training.clicks.cascading import fit_bayesian, fit_cascade, fit_simplified_bayesian
from molt.training.clicks.click_log import ClickLog, FloatArray
from molt.training.clicks.position_based import fit_position_based

_LEAST = 1e-6


class ClickModel(Protocol):
    """How users examine results and click on them, fitted to a log."""

    @property
    def name(self) -> str:
        """What the literature calls it."""
        ...

    @property
    def attractiveness(self) -> FloatArray:
        """How likely what is examined is clicked `(n_pairs,)`."""
        ...

    def examination(self, log: ClickLog) -> FloatArray:
        """How likely each rank is examined `(n, depth)`, before anything was clicked."""
        ...

    def click_probabilities(self, log: ClickLog) -> FloatArray:
        """How likely each rank is clicked `(n, depth)`, before anything was clicked."""
        ...


Fit = Callable[[ClickLog], ClickModel]
FITS: Mapping[str, Fit] = {
    "position-based": fit_position_based,
    "cascade": fit_cascade,
    "simplified dynamic Bayesian": fit_simplified_bayesian,
    "dynamic Bayesian": fit_bayesian,
}
"""Every model by its name."""


@dataclass(frozen=True)
class Perplexity:
    """How surprised a model was by held-out clicks: 1 for not at all, 2 for as a coin would be.

    `by_rank` `(depth,)`, and their mean.
    """

    model: str
    mean: float
    by_rank: FloatArray


def perplexity_by_rank(clicks: FloatArray, likely: FloatArray, shown: FloatArray) -> FloatArray:
    """2 to the mean surprise in bits at each rank `(depth,)`, of columns `(n, depth)`.

    (G. Dupret, B. Piwowarski, "A user browsing model to predict search engine click data from past
    observations", SIGIR 2008.)
    """
    likely = np.clip(likely, _LEAST, 1 - _LEAST)
    surprise = -np.where(clicks > 0, np.log2(likely), np.log2(1 - likely)) * shown
    mean: FloatArray = 2 ** (surprise.sum(axis=0) / np.maximum(shown.sum(axis=0), 1))
    return mean


def cross_validate_models(log: ClickLog, *, folds: int = 5, seed: int = 0) -> list[Perplexity]:
    """The held-out perplexity of every model, the least first: each search is held out once."""
    fold = np.random.default_rng(seed).permutation(len(log)) % folds
    found = []
    for name, fit in FITS.items():
        likely = np.zeros(log.pairs.shape)
        for held in range(folds):
            seen, unseen = log.take(fold != held), fold == held
            likely[unseen] = fit(seen).click_probabilities(log.take(unseen))
        by_rank = perplexity_by_rank(
            log.clicks.astype(np.float64), likely, log.shown.astype(np.float64)
        )
        found.append(Perplexity(name, float(by_rank.mean()), by_rank))
    return sorted(found, key=lambda one: one.mean)


def choose_click_model(log: ClickLog, tried: Sequence[Perplexity]) -> ClickModel:
    """The model that was least surprised, fitted to all searches."""
    return FITS[tried[0].model](log)


def propensities(model: ClickModel, log: ClickLog) -> FloatArray:
    """How likely each rank is examined on average where something was shown there `(depth,)`."""
    shown = np.maximum(log.shown.sum(axis=0), 1)
    mean: FloatArray = model.examination(log).sum(axis=0) / shown
    return mean
