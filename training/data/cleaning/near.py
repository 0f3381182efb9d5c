"""Near-duplicates: texts whose sets of words nearly agree.

Exact: it finds all of them and only them. Words, not parts of words, because "ataxia 12" and
"ataxia 13" are different questions.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from molt.training.data.cleaning.text import word_set

_ROUNDING = 1e-9
_Words = frozenset[str]


class NearIndex:
    """Keys (of `text_key`) that can be asked for the near-duplicates of another.

    Two are near when the Jaccard similarity of their word sets, shared words over all words, is at
    least `threshold`. Then the rarest `(1 - threshold) n + 1` words of either hold a shared one,
    so only those are indexed (prefix filtering: Bayardo, Ma and Srikant, Scaling Up All Pairs
    Similarity Search, WWW 2007, section 4).
    """

    def __init__(self, keys: Iterable[str], *, threshold: float) -> None:
        self._threshold = threshold
        self._keys: dict[_Words, list[str]] = defaultdict(list)
        for key in dict.fromkeys(keys):
            self._keys[word_set(key)].append(key)
        self._frequency = Counter(word for words in self._keys for word in words)
        self._postings: dict[str, list[_Words]] = defaultdict(list)
        for words in self._keys:
            for word in self._rarest(words):
                self._postings[word].append(words)

    def find(self, key: str) -> Iterator[str]:
        """The near-duplicates of `key`, itself among them where it is one of the keys.

        Found one by one, in an order that depends on nothing but the keys and theirs.
        """
        words = word_set(key)
        seen = set()
        for word in self._rarest(words):
            for other in self._postings.get(word, ()):
                if other not in seen and self._is_near(words, other):
                    yield from self._keys[other]
                seen.add(other)

    def _rarest(self, words: _Words) -> list[str]:
        kept = len(words) - math.ceil(self._threshold * len(words) - _ROUNDING) + 1
        return sorted(words, key=lambda word: (self._frequency[word], word))[:kept]

    def _is_near(self, left: _Words, right: _Words) -> bool:
        shared = len(left & right)
        return shared >= self._threshold * (len(left) + len(right) - shared) - _ROUNDING
