"""A click log: which documents were shown at which ranks, and what was clicked.

Arrays alone: queries and documents are numbers here, and nothing is read or estimated.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

UNSHOWN = -1
"""What stands at ranks where nothing was shown."""


@dataclass(frozen=True)
class ClickLog:
    """Searches, one a row, and the ranks of their results, from 1 on, one a column.

    `pairs` `(n, depth) int64` numbers the pair of query and document that was shown, -1 for none;
    `clicks` `(n, depth) bool`; `gains` `(n, depth) float64` in [0, 1], how much the best action
    said, 0 where there was none. `n_pairs` is how many pairs there are.
    """

    pairs: IntArray
    clicks: BoolArray
    gains: FloatArray
    n_pairs: int

    @property
    def shown(self) -> BoolArray:
        """Where a document stood `(n, depth) bool`."""
        shown: BoolArray = self.pairs != UNSHOWN
        return shown

    @property
    def depth(self) -> int:
        """How many ranks there are."""
        return int(self.pairs.shape[1])

    def __len__(self) -> int:
        return int(self.pairs.shape[0])

    def take(self, rows: npt.NDArray[np.intp] | BoolArray) -> Self:
        """The log of some of the searches; pairs keep their numbers."""
        return type(self)(self.pairs[rows], self.clicks[rows], self.gains[rows], self.n_pairs)

    def sums(self, values: FloatArray | BoolArray) -> FloatArray:
        """The sum of `values` `(n, depth)` over all that was shown of each pair `(n_pairs,)`."""
        shown = self.shown
        weights = values[shown].astype(np.float64)
        summed: FloatArray = np.bincount(self.pairs[shown], weights, self.n_pairs).astype(float)
        return summed

    def of_pairs(self, values: FloatArray) -> FloatArray:
        """A value of each pair `(n_pairs,)` where it was shown `(n, depth)`, 0 elsewhere."""
        return np.where(self.shown, values[self.pairs], 0.0)


def last_clicks(log: ClickLog) -> IntArray:
    """The column of each search's last click `(n,) int64`, -1 where there is none."""
    reversed_at = log.clicks[:, ::-1].argmax(axis=1)
    return np.where(log.clicks.any(axis=1), log.depth - 1 - reversed_at, UNSHOWN).astype(np.int64)


def skips_above_clicks(log: ClickLog) -> IntArray:
    """How often each pair was shown above a click and not clicked `(n_pairs,) int64`.

    A user who clicked further down had most likely seen it (T. Joachims et al., "Accurately
    interpreting clickthrough data as implicit feedback", SIGIR 2005: click > skip above).
    """
    above = np.arange(log.depth)[None, :] < last_clicks(log)[:, None]
    return log.sums(above & ~log.clicks).astype(np.int64)
