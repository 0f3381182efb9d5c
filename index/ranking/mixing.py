"""Mixing: a second score of the same candidates is added to the first one.

Pure arithmetic; what makes either score is told elsewhere.
"""

import numpy as np
from numpy.typing import NDArray

CROSS_ENCODER_WEIGHT = 0.5
"""How much a cross-encoder's score counts beside the retrievers'; see docs/reranking.md."""


def mixed(
    first: NDArray[np.float64], second: NDArray[np.float64], *, weight: float
) -> NDArray[np.float64]:
    """Both `(n,)` standardised (z-scores) and added, `1 - weight` of the first to `weight`."""
    return (1 - weight) * standardised(first) + weight * standardised(second)


def standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """With mean 0 and standard deviation 1; all 0 where they do not differ."""
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros_like(values)
