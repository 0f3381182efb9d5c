"""Hashes: which row of a segment holds a text, by the text's hash."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.void]
_Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class HashIndex:
    """`words` `(n, 2) uint64`, the two halves of each row's hash; `order` sorts the first."""

    words: _Words
    order: npt.NDArray[np.int64]
    keys: _Words

    def find(self, hashes: Hashes) -> npt.NDArray[np.int64]:
        """A row for each of `hashes` `(m,)` of dtype `V16`; -1 where no row has it."""
        wanted = _words(hashes)
        places = np.searchsorted(self.keys, wanted[:, 0])
        rows = self.order[np.minimum(places, len(self.order) - 1)]
        return np.where((self.words[rows] == wanted).all(axis=1), rows, -1)


def index_hashes(hashes: Hashes) -> HashIndex:
    """The index over a segment's hashes `(n,)` of dtype `V16`, n > 0."""
    words = _words(hashes)
    order = np.argsort(words[:, 0], kind="stable")
    return HashIndex(words, order, words[order, 0])


def _words(hashes: Hashes) -> _Words:
    return np.ascontiguousarray(hashes).view(np.uint64).reshape(-1, 2)
