"""Groups: the documents of one scope by their values of a field, and the first of each group.

A document belongs to one group: of several values the least is its own. One without any value
belongs to none, and stands alone.
"""

from typing import Any

import numpy as np

from molt.index.segments.exact import Rows
from molt.index.segments.matches.standings import Standings
from molt.index.segments.matches.terms import Codes, Terms, TermValue, differing


class Groups:
    """The documents of `standings`, by the number that the value of their group has in `terms`."""

    def __init__(self, standings: Standings, terms: Terms) -> None:
        self.terms = terms
        self._standings = standings
        codes, rows = terms.firsts
        places = standings.places_of(rows)
        kept = places >= 0
        self._codes, self._places = codes[kept], places[kept]
        self.sizes: Codes = np.bincount(self._codes, minlength=len(terms))
        alone = np.ones(len(standings), bool)
        alone[self._places] = False
        firsts = self._firsts()
        self.heads: Rows = np.full(len(terms), -1, np.int64)
        self.heads[self._codes[firsts]] = self._places[firsts]
        self.candidates: Rows = np.concatenate([self._places[firsts], np.flatnonzero(alone)])
        self._codes_of: Codes = np.full(len(standings), -1, np.int64)
        self._codes_of[self._places] = self._codes

    def values(self, places: Rows) -> list[TermValue | None]:
        """The values of the groups of some documents; None of those that stand alone."""
        codes = self._codes_of[places]
        distinct = np.unique(codes[codes >= 0])
        known = dict(zip(distinct.tolist(), self.terms.values(distinct), strict=True))
        return [known.get(code) for code in codes.tolist()]

    def _firsts(self) -> Rows:
        """Which of the documents that have a value is the first of its group, for each of them."""
        left: Rows = np.arange(len(self._codes))
        for asked in (self._keys, self._scores, self._ties):
            starts = np.flatnonzero(differing(self._codes[left]))
            if len(starts) == len(left):
                break
            values = asked(self._places[left])
            least = np.minimum.reduceat(values, starts)
            sizes = np.diff(starts, append=len(left))
            left = left[values == np.repeat(least, sizes)]
        return left

    def _keys(self, places: Rows) -> Any:
        return self._standings.keys[places]

    def _scores(self, places: Rows) -> Any:
        return -self._standings.scores(places)

    def _ties(self, places: Rows) -> Any:
        return self._standings.ties[places]
