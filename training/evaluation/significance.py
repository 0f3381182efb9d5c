"""Significance: how sure a mean over queries is. Pure arithmetic over columns of values.

Intervals: SciPy's BCa bootstrap (B. Efron, "Better bootstrap confidence intervals", JASA 82, 1987).
Tests: paired permutation by sign flips, which supposes no distribution (M. Smucker, J. Allan,
B. Carterette, "A comparison of statistical significance tests for IR evaluation", CIKM 2007). They
are ours, as one product of matrices: SciPy's took twelve times as long for 3,000 queries.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

_Values = npt.NDArray[np.float64]

_BLOCK_CELLS = 2**22
_ROUNDING = 1e-12
_BEYOND = 50
"""So many draws lie beyond a level, as often as not."""
_MOST_PERMUTATIONS = 2_000_000


@dataclass(frozen=True)
class Sampling:
    """How often chance is drawn, from which seed, and how wide an interval shall be."""

    resamples: int = 5_000
    permutations: int = 10_000
    confidence: float = 0.95
    seed: int = 0

    def at(self, level: float) -> "Sampling":
        """With permutations enough for p to be told from a small `level`."""
        enough = min(_MOST_PERMUTATIONS, math.ceil(_BEYOND / level))
        return replace(self, permutations=max(self.permutations, enough))

    def within(self, level: float) -> "Sampling":
        """With intervals of `1 - level`, and resamples enough for their ends."""
        enough = min(_MOST_PERMUTATIONS, math.ceil(_BEYOND / level))
        return replace(self, confidence=1 - level, resamples=max(self.resamples, enough))


@dataclass(frozen=True)
class Estimate:
    """A mean over queries and its confidence interval; no interval where there are too few."""

    mean: float
    low: float | None = None
    high: float | None = None


def estimate(values: _Values, *, sampling: Sampling) -> list[Estimate]:
    """The mean of each column of `values` `(n, m)` with its BCa interval; no interval for n < 2.

    All columns are resampled together, so a row stays a row.
    """
    means = values.mean(axis=0)
    if len(values) < 2:
        return [Estimate(float(mean)) for mean in means]
    low, high = means.copy(), means.copy()
    varied = ((values - means) ** 2).sum(axis=0) > _ROUNDING
    if varied.any():
        low[varied], high[varied] = _intervals(values[:, varied], sampling)
    return [Estimate(*map(float, found)) for found in zip(means, low, high, strict=True)]


def paired_test(differences: _Values, *, sampling: Sampling) -> list[float]:
    """The two-sided p of each column of `differences` `(n, m)`: is its mean zero?

    Flips signs at random, row by row. The data as they are count as one of the permutations
    ("add one"), so p is never 0 and the test is never too bold.
    """
    totals = np.abs(differences.sum(axis=0))
    reached = np.zeros(differences.shape[1], np.int64)
    random = np.random.default_rng(sampling.seed)
    for count in _blocks(sampling.permutations, row=len(differences)):
        signs = 2.0 * random.integers(0, 2, (count, len(differences)), np.int8) - 1
        reached += (np.abs(signs @ differences) >= totals - 1e-9).sum(axis=0)
    return [float((1 + times) / (1 + sampling.permutations)) for times in reached]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: p values that may be read together (Holm, 1979)."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[at]))
        corrected[at] = largest
    return corrected


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """The step-up correction of Y. Benjamini, Y. Hochberg (JRSS B 57, 1995).

    Where nothing is to be found, something is below a level no more often than the level says, also
    where values depend on each other as overlapping samples do; where more is found, it corrects
    less than Holm's.
    """
    corrected = [0.0] * len(p_values)
    least, count = 1.0, len(p_values)
    falling = sorted(range(count), key=p_values.__getitem__, reverse=True)
    for rank, at in zip(range(count, 0, -1), falling, strict=True):
        least = min(least, p_values[at] * count / rank)
        corrected[at] = least
    return corrected


def of_falls(p_values: Sequence[float], means: Sequence[float]) -> list[float]:
    """Corrected p values of falls: of those that fell, after Benjamini and Hochberg; 1 of the rest.

    Where a mean is chance its sign says nothing of how far it is from zero, so only those that fell
    are corrected for (Q. Zhao, D. Small, W. Su, "Multiple testing when many p-values are uniformly
    conservative", JASA 114, 2019): what rises costs nothing.
    """
    corrected = [1.0] * len(p_values)
    fallen = [at for at, mean in enumerate(means) if mean < 0]
    for at, p in zip(fallen, benjamini_hochberg([p_values[at] for at in fallen]), strict=True):
        corrected[at] = p
    return corrected


def _intervals(values: _Values, sampling: Sampling) -> tuple[_Values, _Values]:
    """The ends `(m,)` of the interval of each column; none may be constant."""
    from scipy import stats  # noqa: PLC0415 - half a second, and only the train extra brings it

    found = stats.bootstrap(
        (values,),
        _mean,
        n_resamples=sampling.resamples,
        confidence_level=sampling.confidence,
        method="BCa",
        batch=max(1, _BLOCK_CELLS // values.size),
        rng=np.random.default_rng(sampling.seed),
    ).confidence_interval
    return found.low, found.high


def _mean(values: _Values, axis: int) -> _Values:
    return values.mean(axis=axis)  # type: ignore[no-any-return]


def _blocks(total: int, *, row: int) -> Iterator[int]:
    """Counts that sum to `total`, each of few enough rows of length `row` to fit in memory."""
    step = max(1, _BLOCK_CELLS // max(1, row))
    for start in range(0, total, step):
        yield min(step, total - start)
