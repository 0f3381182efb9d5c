"""Mixing: the first score of candidates and the second one of a re-ranker, made into one."""

import numpy as np
import numpy.typing as npt

_Numbers = npt.NDArray[np.float64]


def mixed_scores(first: _Numbers, second: _Numbers, *, weight: float) -> _Numbers:
    """Both scores of candidates `(n,)` as one, `1 - weight` of the first to `weight` of the second.

    Both are standardised over the candidates (z-scores) before they are added.
    """
    return (1 - weight) * standardised(first) + weight * standardised(second)


def standardised(values: _Numbers) -> _Numbers:
    """With mean 0 and standard deviation 1; all 0 where they do not differ."""
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
