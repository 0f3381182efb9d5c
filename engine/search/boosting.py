"""Boosts: scores raised or lowered by a number or by the age that documents have in their metadata.

A boost moves a score by at most its weight, so scores of boosted searches can be compared. It grows
or falls steadily with the value, and leaves alone what has none. With the value `x` it adds

    weight * (x - pivot) / (x + pivot)           to a number (0 for what is less),
    weight * (2 * 2 ** (-age / half_life) - 1)   to a date, whose age is 0 where it is to come:

saturation, x / (x + pivot), and exponential decay, both as functions of evidence that does not
depend on the query (Craswell et al. 2005, Relevance Weighting for Query Independent Evidence,
section 3), stretched from 0..1 to -1..1, so that 0 is what the pivot or the half-life gets.
"""

import json
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidate, Candidates
from molt.engine.search.query import SearchQuery
from molt.index.segments.readings import DAY
from molt.index.segments.scalar import ScalarKind, own_field, shown_field
from molt.index.selection.expiring import Clock, wall_clock

BOOSTED = 1000
"""So many of the best candidates are boosted; those after them stay as they are."""
_Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NumberBoost:
    """By a number: half way at `pivot`, which is above 0."""

    field: str
    weight: float
    pivot: float
    kind: ScalarKind = ScalarKind.NUMBER

    def shares(self, values: _Values, now: int) -> _Values:
        """From -1 to 1, of each of `values` `(n,)`; NaN of NaN."""
        del now
        least = np.maximum(values, 0.0)
        return (least - self.pivot) / (least + self.pivot)


@dataclass(frozen=True)
class AgeBoost:
    """By the age of a date: half way at `half_life_days`, which is above 0."""

    field: str
    weight: float
    half_life_days: float
    kind: ScalarKind = ScalarKind.DATE

    def shares(self, values: _Values, now: int) -> _Values:
        """From -1 to 1, of each of `values` `(n,)` in microseconds since 1970; NaN of NaN."""
        days = np.maximum(now - values, 0.0) / DAY
        return 2.0 * np.exp2(-days / self.half_life_days) - 1.0


Boost = NumberBoost | AgeBoost


@lru_cache(maxsize=256)
def read_boosts(kept: str | None) -> tuple[Boost, ...]:
    """The boosts that a collection keeps, from their JSON; none of None."""
    return tuple(
        NumberBoost(own_field(one["field"]), one["weight"], one["pivot"])
        if one.get("pivot") is not None
        else AgeBoost(own_field(one["field"]), one["weight"], one["half_life_days"])
        for one in json.loads(kept or "[]")
    )


class Booster:
    """Boosts the best candidates of a search by what it asks for. `clock` says what age is now."""

    def __init__(self, clock: Clock = wall_clock) -> None:
        self._clock = clock

    def __call__(self, query: SearchQuery, live: Live, found: Candidates) -> Candidates:
        """The candidates in the order of their boosted scores; equal ones as they came.

        What each gained or lost is its score `boost`.
        """
        if live.snapshot is None or not found.ranking:
            return found
        best, rest = found.ranking[:BOOSTED], found.ranking[BOOSTED:]
        ordinals = np.array([one.ordinal for one in best], np.int64)
        gains, unknown = np.zeros(len(best)), []
        now = self._clock()
        for boost in query.boosts or ():
            values = live.snapshot.values_of(boost.field, boost.kind, ordinals)
            if values is None:
                unknown.append(_vain(boost))
            else:
                gains += boost.weight * np.nan_to_num(boost.shares(values, now), nan=0.0)
        boosted = [_moved(one, gain) for one, gain in zip(best, gains.tolist(), strict=True)]
        boosted.sort(key=lambda one: -one.score)
        return replace(found, ranking=(*boosted, *rest), warnings=(*found.warnings, *unknown))


def _moved(one: Candidate, gain: float) -> Candidate:
    return replace(one, score=one.score + gain, scores={**one.scores, "boost": gain})


def _vain(boost: Boost) -> str:
    what = "number" if boost.kind is ScalarKind.NUMBER else "date"
    return f"boosts: no document has a {what} in '{shown_field(boost.field)}'; it changes nothing"
