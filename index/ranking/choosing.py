"""Choosing among settings by judged queries: what chance favours is not taken for better.

Pure arithmetic over measures of queries. Knows no settings, only how far each is from the usual.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

_Numbers = npt.NDArray[np.float64]

_FOLDS = 5
_SEED = 0
_DOUBT = 0.5
"""Settings whose mean lies so many standard errors of the difference below the best are as good."""


def least_moved(values: _Numbers, distances: Sequence[float]) -> int:
    """The column of the setting for queries like these, `values` `(n, m)` being their measures.

    Not the one that is best by chance: of all that are as good as that, within half a standard
    error of the paired difference, the one of least distance from the usual, the first of equal
    ones. Few queries move it little.
    """
    means = values.mean(axis=0)
    best = int(means.argmax())
    behind = values[:, [best]] - values
    doubt = behind.std(axis=0) / np.sqrt(len(values))
    as_good = np.flatnonzero(means[best] - means <= _DOUBT * doubt).tolist()
    return min(as_good, key=lambda at: (distances[at], at))


def folds(n: int) -> Iterator[tuple[list[int], list[int]]]:
    """Five parts of `n` queries, or as many as there are, each with all the others; seeded."""
    part = np.random.default_rng(_SEED).permutation(n) % min(_FOLDS, n)
    for fold in range(part.max(initial=-1) + 1):
        yield np.flatnonzero(part == fold).tolist(), np.flatnonzero(part != fold).tolist()
