"""An order of documents: by the values of fields, then by score, then by id."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from molt.index.segments.exact import Rows, Vectors
from molt.index.segments.hits import RowHit
from molt.index.segments.matches.sort_column import SortKey
from molt.index.segments.matches.terms import TermValue


@dataclass(frozen=True)
class SortField:
    """By which field documents are sorted; those without a value of it come last either way.

    Of several values the least counts, or where the order is descending the greatest.
    """

    field: str
    order: Literal["asc", "desc"] = "asc"


@dataclass(frozen=True)
class Position:
    """Where a document stands: the keys of its fields, its score, and what decides between equals.

    That is the id, a text, where there are fields and every segment knows ids, else the ordinal.
    """

    keys: tuple[SortKey | None, ...]
    score: float
    tie: Any


@dataclass(frozen=True)
class Group:
    """The documents that have a `value`, of which one is shown; one without any is alone."""

    value: TermValue | None
    size: int


@dataclass(frozen=True)
class OrderedHit:
    """A document, by its best passage, and where it stands in the order that was asked for."""

    hit: RowHit
    position: Position
    group: Group | None = None


@dataclass(frozen=True)
class GivenScores:
    """What documents score, `(n,) float64`, by their `ordinals` `(n,) int64`, which ascend."""

    ordinals: Rows
    scores: npt.NDArray[np.float64]

    def of(self, ordinals: Rows) -> npt.NDArray[np.float64]:
        """The score of each of `ordinals` `(m,)`; 0 of one that is not there."""
        if not len(self.ordinals):
            return np.zeros(len(ordinals))
        places = np.minimum(np.searchsorted(self.ordinals, ordinals), len(self.ordinals) - 1)
        return np.where(self.ordinals[places] == ordinals, self.scores[places], 0.0)

    def find(self, ordinal: int) -> float | None:
        """The score of one of them; None of one that is not there."""
        place = int(np.searchsorted(self.ordinals, ordinal))
        there = place < len(self.ordinals) and self.ordinals[place] == ordinal
        return float(self.scores[place]) if there else None


@dataclass(frozen=True)
class Order:
    """By which `fields`; `by_id` where ids decide between equals. `query` `(dim,) float32`.

    Documents score what `scores` gives them, or else their inner product with the query.
    """

    query: Vectors | None
    fields: tuple[SortField, ...] = ()
    by_id: bool = False
    scores: GivenScores | None = None


def in_order(standings: Iterable[OrderedHit], fields: Sequence[SortField]) -> list[OrderedHit]:
    """Documents of several scopes in one order. Each has a tie of the same type."""
    found = sorted(standings, key=lambda one: one.position.tie)
    found.sort(key=lambda one: -one.position.score)
    for place in reversed(range(len(fields))):
        falling = fields[place].order == "desc"
        key = partial(_compared, place=place, falling=falling)
        found.sort(key=key, reverse=falling)
    return found


def _compared(standing: OrderedHit, *, place: int, falling: bool) -> tuple[bool, SortKey]:
    """What sorting compares: who has no value comes last in either direction."""
    key = standing.position.keys[place]
    return (key is None) is not falling, key or (0, 0)
