"""Models of users who read from the top: the cascade model and the dynamic Bayesian network.

Formulas: N. Craswell et al., "An experimental comparison of click position-bias models", WSDM 2008;
O. Chapelle, Y. Zhang, "A dynamic Bayesian network click model for web search ranking", WWW 2009.
"""

from dataclasses import dataclass

import numpy as np

from molt.training.clicks.click_log import ClickLog, FloatArray, last_clicks
from molt.training.clicks.position_based import PRIOR

_ROUNDS = 100
_CONVERGED = 1e-4
_LEAST = 1e-6


@dataclass(frozen=True)
class Cascading:
    """A user reads on with P = `continuation` after a document that did not satisfy.

    `attractiveness` `(n_pairs,)` is how likely one that is read is clicked, `satisfaction`
    `(n_pairs,)` how likely one that is clicked ends the search. In the cascade model both are
    certain: nobody leaves without a click, and nobody reads on after one.
    """

    name: str
    attractiveness: FloatArray
    satisfaction: FloatArray
    continuation: float

    def examination(self, log: ClickLog) -> FloatArray:
        """How likely each rank is examined `(n, depth)`, before anything was clicked."""
        attracts = log.of_pairs(self.attractiveness)
        satisfies = attracts * log.of_pairs(self.satisfaction)
        reads_on = self.continuation * (1.0 - satisfies)
        before = np.cumprod(reads_on[:, :-1], axis=1)
        first = np.ones((len(log), 1))
        return np.where(log.shown, np.concatenate([first, before], axis=1), 0.0)

    def click_probabilities(self, log: ClickLog) -> FloatArray:
        """How likely each rank is clicked `(n, depth)`, before anything was clicked."""
        return self.examination(log) * log.of_pairs(self.attractiveness)


def fit_cascade(log: ClickLog) -> Cascading:
    """The cascade model, whose likelihood is greatest in closed form: up to the first click."""
    first = np.where(log.clicks.any(axis=1), log.clicks.argmax(axis=1), log.depth)
    read = log.shown & (np.arange(log.depth)[None, :] <= first[:, None])
    attracts = _smoothed(log.sums(log.clicks & read), log.sums(read))
    return Cascading("cascade", attracts, np.ones(log.n_pairs), 1.0)


def fit_simplified_bayesian(log: ClickLog) -> Cascading:
    """The dynamic Bayesian network of users who never leave unsatisfied, in closed form.

    Everything above the last click was read, and that click satisfied; without one, everything was.
    """
    columns, last = np.arange(log.depth)[None, :], last_clicks(log)[:, None]
    read = log.shown & ((columns <= last) | (last < 0))
    satisfied = log.clicks & (columns == last)
    attracts = _smoothed(log.sums(log.clicks), log.sums(read))
    satisfies = _smoothed(log.sums(satisfied), log.sums(log.clicks))
    return Cascading("simplified dynamic Bayesian", attracts, satisfies, 1.0)


def fit_bayesian(log: ClickLog) -> Cascading:
    """The dynamic Bayesian network by expectation maximisation, from the simplified one on."""
    found = fit_simplified_bayesian(log)
    attracts, satisfies, continuation = found.attractiveness, found.satisfaction, 0.9
    clicked = log.sums(log.clicks)
    for _ in range(_ROUNDS):
        read, satisfied, went_on, could = _expected(log, attracts, satisfies, continuation)
        former = continuation
        attracts = _smoothed(clicked, log.sums(read))
        satisfies = _smoothed(log.sums(satisfied), clicked)
        continuation = float(np.clip(went_on / max(could, _LEAST), _LEAST, 1 - _LEAST))
        if abs(continuation - former) < _CONVERGED:
            break
    return Cascading("dynamic Bayesian", attracts, satisfies, continuation)


def _smoothed(counts: FloatArray, of: FloatArray) -> FloatArray:
    """The share of each pair; what was hardly seen is like the others."""
    mean = counts.sum() / max(of.sum(), 1.0)
    share: FloatArray = np.clip((counts + PRIOR * mean) / (of + PRIOR), _LEAST, 1 - _LEAST)
    return share


def _expected(
    log: ClickLog, attracts: FloatArray, satisfies: FloatArray, continuation: float
) -> tuple[FloatArray, FloatArray, float, float]:
    """What is likely of each search, given its clicks: where it was read and where it satisfied,
    both `(n, depth)`; how often users read on, and could have.

    Up to the last click all is known but that click's satisfaction. What follows has no clicks:
    `silent[:, r]` is how likely that is from column r on where r is read.
    """
    shown, last = log.shown, last_clicks(log)
    depth, rows = log.depth, np.arange(len(log))
    silent = _silences(log, attracts, continuation)
    leaves_silently = 1 - continuation + continuation * silent
    read = np.zeros(log.pairs.shape)
    satisfied = np.zeros(log.pairs.shape)
    read[:, 0] = 1.0
    went_on = could = 0.0
    satisfies_last = log.of_pairs(satisfies)[rows, last]
    after_last = leaves_silently[rows, last + 1]
    certainly = satisfies_last / (satisfies_last + (1 - satisfies_last) * after_last)
    satisfied[rows, last] = np.where(last >= 0, certainly, 0.0)
    for column in range(depth - 1):
        next_shown = shown[:, column + 1]
        silently = continuation * silent[:, column + 1] / leaves_silently[:, column + 1]
        chance = np.where(last > column, 1.0, read[:, column] * silently)
        chance = np.where(last == column, (1 - satisfied[:, column]) * silently, chance)
        free = read[:, column] * (1 - satisfied[:, column])
        read[:, column + 1] = np.where(next_shown, chance, 0.0)
        went_on += float(read[:, column + 1].sum())
        could += float(free[next_shown].sum())
    return read * shown, satisfied, went_on, could


def _silences(log: ClickLog, attracts: FloatArray, continuation: float) -> FloatArray:
    """How likely nothing is clicked from a column on where it is read `(n, depth + 1)`."""
    unattractive = 1.0 - log.of_pairs(attracts)
    silent = np.ones((len(log), log.depth + 1))
    for column in reversed(range(log.depth)):
        on = 1 - continuation + continuation * silent[:, column + 1]
        silent[:, column] = np.where(log.shown[:, column], unattractive[:, column] * on, 1.0)
    return silent
