"""Grades from estimates: only what the evidence bears is said of a pair, of most nothing.

Pure rules over arrays.
"""

import numpy as np

from molt.training.clicks.click_log import IntArray
from molt.training.clicks.counterfactual import Estimates

UNTOLD = -1
"""The grade of a pair of which nothing can be said."""
LEAST_SKIPS = 2
"""So often is a document passed over for a click further down before it counts as not relevant."""


def grade_pairs(estimates: Estimates, skips: IntArray) -> IntArray:
    """A grade of each pair `(n_pairs,) int64`, by how it compares with the mean of all pairs.

    3 where it is most likely twice as relevant, 2 where it is most likely more relevant, 1 where it
    is more relevant as far as one can tell; each needs a click. 0 where it was passed over for a
    click further down (`skips` times, at least twice) and is most likely less relevant. -1
    otherwise.
    """
    mean, clicked = estimates.mean, estimates.clicked > 0
    grades = np.full(len(estimates.relevance), UNTOLD, dtype=np.int64)
    grades[(skips >= LEAST_SKIPS) & (estimates.high < mean)] = 0
    grades[clicked & (estimates.relevance > mean)] = 1
    grades[clicked & (estimates.low > mean)] = 2
    grades[clicked & (estimates.low > 2 * mean)] = 3
    return grades
