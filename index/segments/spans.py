"""Spans: where the rows of some documents lie in a segment."""

from dataclasses import dataclass

import numpy as np

from molt.index.segments.exact import Mask, Rows


@dataclass(frozen=True)
class Spans:
    """Of documents that were asked for, those that were found: `places` `(n,)` says which.

    The rows of each are those from its `starts` up to its `stops`, `(n,) int64` both.
    """

    places: Rows
    starts: Rows
    stops: Rows

    def __len__(self) -> int:
        return len(self.places)

    @property
    def lengths(self) -> Rows:
        """How many rows each document has, `(n,) int64`."""
        return self.stops - self.starts

    @property
    def rows(self) -> Rows:
        """All these rows, document after document."""
        lengths = self.lengths
        before = np.cumsum(lengths) - lengths
        return np.repeat(self.starts - before, lengths) + np.arange(lengths.sum())

    def where(self, kept: Mask) -> "Spans":
        """Those documents for which `kept` `(n,)` holds."""
        return Spans(self.places[kept], self.starts[kept], self.stops[kept])


def find_spans(ordinals: Rows, wanted: Rows) -> Spans:
    """The rows of the documents `wanted` `(m,)` among `ordinals` `(n,)`, one for each row.

    Both ascend, and `wanted` names each document once. Costs as much as the shorter one, but for
    a logarithm.
    """
    places = _candidates(ordinals, wanted)
    starts = np.searchsorted(ordinals, wanted[places], side="left")
    stops = np.searchsorted(ordinals, wanted[places], side="right")
    return Spans(places, starts, stops).where(starts < stops)


def _candidates(ordinals: Rows, wanted: Rows) -> Rows:
    """Places in `wanted` that include every document to be found, at most one for each row."""
    low, high = np.searchsorted(wanted, ordinals[[0, -1]] + [0, 1]) if len(ordinals) else (0, 0)
    if high - low <= len(ordinals):
        return np.arange(low, high)
    found = np.zeros(len(wanted) + 1, bool)
    found[np.searchsorted(wanted, ordinals)] = True
    return np.flatnonzero(found[:-1])
