"""Counterfactual estimates: how relevant documents would look had every rank been examined.

Inverse propensity weighting (T. Joachims, A. Swaminathan, T. Schnabel, "Unbiased learning-to-rank
with biased feedback", WSDM 2017), with weights that are clipped, and how sure that is.
"""

from dataclasses import dataclass

import numpy as np

from molt.training.clicks.click_log import ClickLog, FloatArray, IntArray
from molt.training.clicks.position_based import PRIOR

LEAST_PROPENSITY = 0.05
"""A rank that is examined less often counts as if it were that often: less variance, some bias."""
_Z = 1.6449
"""The quantile of the normal distribution for an interval that holds 90 %."""


@dataclass(frozen=True)
class Estimates:
    """Of each pair `(n_pairs,)`: its `relevance`, the share of users who would act on it if they
    examined it, weighed by what their actions say; `low` to `high` holds it in 90 % of cases.

    `effective` is how many certain examinations say as much, `shown` and `clicked` count displays.
    """

    relevance: FloatArray
    low: FloatArray
    high: FloatArray
    effective: FloatArray
    shown: IntArray
    clicked: IntArray
    mean: float


def estimate_relevance(
    log: ClickLog, examination: FloatArray, *, least: float = LEAST_PROPENSITY
) -> Estimates:
    """Estimates from a log and how likely each of its ranks was examined, `(n, depth)` in [0, 1].

    The mean of gain / max(propensity, `least`) over the displays of a pair has about the variance
    of a share among n² / sum(1 / propensity) draws, which is called effective. The interval is
    Wilson's (E. Wilson, JASA 22, 1927); the estimate is drawn to the mean of all pairs as if that
    had been seen twice.
    """
    weights = 1.0 / np.maximum(examination, least)
    shown = log.sums(log.shown)
    seen = np.maximum(shown, 1.0)
    weighed = log.sums(log.gains * weights)
    effective = np.where(shown > 0, shown**2 / np.maximum(log.sums(weights), 1.0), 0.0)
    share = np.clip(weighed / seen, 0.0, 1.0)
    mean = float((share * effective).sum() / max(effective.sum(), 1.0))
    low, high = _wilson(share, effective)
    return Estimates(
        relevance=(share * effective + mean * PRIOR) / (effective + PRIOR),
        low=low,
        high=high,
        effective=effective,
        shown=shown.astype(np.int64),
        clicked=log.sums(log.clicks).astype(np.int64),
        mean=mean,
    )


def _wilson(share: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    n = np.maximum(n, 1e-9)
    scale = 1.0 + _Z**2 / n
    centre = (share + _Z**2 / (2 * n)) / scale
    half = _Z * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2)) / scale
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
