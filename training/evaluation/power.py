"""Power: what a paired test over so many queries can show, and how many it takes to show more.

Pure arithmetic over the differences of a measure, query by query.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

POWER = 0.8
"""The share of cases in which a difference that is called detectable is shown."""

_MOST_QUERIES = 10_000_000
_ROUNDING = 1e-12


@dataclass(frozen=True)
class LaterLook:
    """A look that may follow: at which level, and after how many more queries at least."""

    level: float
    more: int = 0


@dataclass(frozen=True)
class Power:
    """What a two-sided test at `level` can show of the mean of some differences.

    A true mean of `detectable` is shown in 80 % of cases; it is None where all differ alike.
    Of the queries, `changed` differ at all: with fewer than `least_changed` no test by signs can
    show anything. So many queries more would make the mean that was observed detectable, or the one
    that is worth having; None where no number would.
    """

    level: float
    deviation: float
    detectable: float | None
    changed: int
    least_changed: int
    more_for_observed: int | None
    more_for_worth: int | None

    @property
    def blind(self) -> bool:
        """Could no difference of any size have been shown, so few queries differ?"""
        return self.changed < self.least_changed


def power_of(
    differences: npt.NDArray[np.float64], *, level: float, worth: float, later: Sequence[LaterLook]
) -> Power:
    """The power of a test over `differences` `(n,)`; of fewer than two nothing is detectable.

    How many more it takes is told for the look among `later` that takes the fewest.
    """
    n = len(differences)
    deviation = float(differences.std(ddof=1)) if n > 1 else 0.0

    def more_for(difference: float) -> int | None:
        wanted = ((look, queries_for(difference, deviation, level=look.level)) for look in later)
        found = [max(1, total - n, look.more) for look, total in wanted if total is not None]
        return min(found, default=None)

    return Power(
        level,
        deviation,
        detectable(deviation, n, level=level) if deviation > _ROUNDING else None,
        changed=int((np.abs(differences) > _ROUNDING).sum()),
        least_changed=math.floor(1 - math.log2(level)) + 1,
        more_for_observed=more_for(abs(float(differences.mean()))),
        more_for_worth=more_for(worth),
    )


def detectable(deviation: float, n: int, *, level: float) -> float:
    """The true mean of `n` differences that is shown in 80 % of cases at a two-sided `level`.

    The standard error times the sum of two quantiles of Student's t, n - 1 degrees of freedom, at
    1 - level / 2 and at 0.8 (H. Bloom, "Minimum detectable effects: a simple way to report the
    statistical power of experimental designs", Evaluation Review 19(5), 1995).
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - only the train extra brings it

    quantiles = stdtrit(n - 1, [1 - level / 2, POWER])
    return float(quantiles.sum()) * deviation / math.sqrt(n)


def queries_for(difference: float, deviation: float, *, level: float) -> int | None:
    """The fewest queries over which a true mean `difference` is detectable; None for none.

    So topic sets are sized (T. Sakai, "Topic set size design", Information Retrieval Journal 19,
    2016).
    """
    if difference <= _ROUNDING or deviation <= _ROUNDING:
        return None
    counts = range(2, _MOST_QUERIES + 1)
    at = bisect_left(counts, -difference, key=lambda n: -detectable(deviation, n, level=level))
    return counts[at] if at < len(counts) else None
