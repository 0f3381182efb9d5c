"""The position-based model: a click needs a rank that is examined and a document that attracts.

Formulas: M. Richardson, E. Dominowska, R. Ragno, "Predicting clicks", WWW 2007; expectation
maximisation as in A. Chuklin, I. Markov, M. de Rijke, "Click Models for Web Search", 2015, 4.2.
"""

from dataclasses import dataclass

import numpy as np

from molt.training.clicks.click_log import ClickLog, FloatArray

PRIOR = 2.0
"""So many displays stand behind what all pairs have in common, beside those of a pair itself."""
_ROUNDS = 300
_CONVERGED = 1e-5
_LEAST = 1e-6


@dataclass(frozen=True)
class PositionBased:
    """P(click) = P(the rank is examined) P(the document attracts), and nothing else matters.

    `by_rank` `(depth,)` is the first, 1 for the first rank, since only their product can be told;
    `attractiveness` `(n_pairs,)` the second.
    """

    by_rank: FloatArray
    attractiveness: FloatArray
    name = "position-based"

    def examination(self, log: ClickLog) -> FloatArray:
        """How likely each rank is examined `(n, depth)`, before anything was clicked."""
        return np.where(log.shown, self.by_rank[None, : log.depth], 0.0)

    def click_probabilities(self, log: ClickLog) -> FloatArray:
        """How likely each rank is clicked `(n, depth)`, before anything was clicked."""
        return self.examination(log) * log.of_pairs(self.attractiveness)


def fit_position_based(log: ClickLog) -> PositionBased:
    """The model by expectation maximisation; a pair that was hardly shown is like the others."""
    shown, clicks = log.shown, log.clicks
    displays = log.sums(shown)
    at_rank = np.maximum(shown.sum(axis=0), 1)
    by_rank = np.linspace(1.0, 0.5, log.depth)
    mean = max(clicks.sum() / max(shown.sum(), 1), _LEAST)
    attractiveness = np.full(log.n_pairs, mean)
    for _ in range(_ROUNDS):
        likely = by_rank[None, :] * log.of_pairs(attractiveness)
        unclicked = np.maximum(1.0 - likely, _LEAST)
        attracted = np.where(
            clicks, 1.0, log.of_pairs(attractiveness) * (1 - by_rank)[None, :] / unclicked
        )
        examined = np.where(clicks, 1.0, (by_rank[None, :] - likely) / unclicked)
        mean = float(attracted[shown].mean()) if shown.any() else mean
        former = by_rank
        by_rank = np.clip((examined * shown).sum(axis=0) / at_rank, _LEAST, 1.0)
        by_rank[0] = 1.0
        attractiveness = (log.sums(attracted) + PRIOR * mean) / (displays + PRIOR)
        if np.abs(by_rank - former).max() < _CONVERGED:
            break
    return PositionBased(by_rank, attractiveness)
