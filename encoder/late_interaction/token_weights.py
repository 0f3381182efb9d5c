"""Token weights: how much each token of a query tells, by how rare it is in general.

A vocabulary is itself a ranking by frequency: WordPiece, BPE and unigram tokenizers number their
tokens from frequent to rare. By Zipf's law the r-th is met with a probability of about 1 / r, so
the logarithm of its rank is its inverse document frequency (Spärck Jones 1972) but for a constant.
It needs no statistics of a collection, by which a score would depend on other texts.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_MARKS = "##▁Ġ"
"""What tokenizers put before a token that goes on with a word, or begins one."""


class TokenWeights:
    """The weights of a vocabulary, which gives each token's id.

    The r-th token that has two letters or digits weighs `(1 + log r)^2`; one that is a single
    letter or digit as much as the median of these; signs and special tokens weigh 1.
    """

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._table = np.ones(max(vocabulary.values(), default=-1) + 1, dtype=np.float32)
        lengths = {token: _length(token) for token in vocabulary}
        words = sorted(vocabulary[token] for token, length in lengths.items() if length > 1)
        if words:
            weights = (1 + np.log(np.arange(1, len(words) + 1))) ** 2
            singles = [vocabulary[token] for token, length in lengths.items() if length == 1]
            self._table[singles] = np.median(weights)
            self._table[words] = weights

    def of(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """The weight of each token `(n,)`, together 1; an id beyond the vocabulary counts 1."""
        known = (ids >= 0) & (ids < len(self._table))
        weights = np.ones(len(ids), dtype=np.float32)
        weights[known] = self._table[ids[known]]
        return np.asarray(weights / max(float(weights.sum()), 1e-12), dtype=np.float32)


def _length(token: str) -> int:
    """How many letters and digits it has; none in brackets, as special tokens are written."""
    if token[:1] in {"[", "<"} and token[-1:] in {"]", ">"}:
        return 0
    return sum(one.isalnum() for one in token.strip(_MARKS))
