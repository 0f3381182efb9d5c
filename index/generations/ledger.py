"""The ledger: the latest revision of every live ordinal, and from it which rows may answer.

The catalog's word, kept in memory and moved forward by what changed. Reads no database and knows
no vectors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.index.catalog.liveness import Liveness
from molt.index.segments.exact import Mask, Rows


@dataclass(frozen=True)
class Ledger:
    """Live `ordinals` `(n,) int64` ascending, their `revisions` `(n,)`, as of `revision`."""

    ordinals: Rows
    revisions: Rows
    revision: int

    def moved(self, delta: Liveness) -> "Ledger":
        """The ledger after `delta`, which holds at least every change since `revision`."""
        if not len(delta.ordinals) and not len(delta.deleted):
            return Ledger(self.ordinals, self.revisions, delta.revision)
        replaced = _contains(
            np.sort(np.concatenate([delta.ordinals, delta.deleted])), self.ordinals
        )
        ordinals = np.concatenate([self.ordinals[~replaced], delta.ordinals])
        revisions = np.concatenate([self.revisions[~replaced], delta.revisions])
        order = np.argsort(ordinals, kind="stable")
        return Ledger(ordinals[order], revisions[order], delta.revision)

    def live_masks(
        self, segments: Sequence[npt.NDArray[np.void]], *, indexed_revision: int
    ) -> tuple[Mask, ...]:
        """For the `ROW` array of each segment, which of its rows may answer.

        A row is live if its ordinal is, if no row of that ordinal is newer, and if it is the
        catalog's revision of it or that one comes after `indexed_revision`: then the newer text
        is not indexed yet, and the older row keeps answering. Within one segment, all rows of an
        ordinal have one revision.
        """
        places = [self._places(rows["ordinal"]) for rows in segments]
        newest = np.full(len(self.ordinals) + 1, -1, np.int64)
        for place, rows in zip(places, segments, strict=True):
            newest[place] = np.maximum(newest[place], rows["revision"])
        answering = (self.revisions == newest[:-1]) | (self.revisions > indexed_revision)
        wanted = np.append(np.where(answering, newest[:-1], -1), -1)
        return tuple(
            wanted[place] == rows["revision"] for place, rows in zip(places, segments, strict=True)
        )

    def _places(self, ordinals: Rows) -> Rows:
        """Where each ordinal stands in `self.ordinals`; `len(self.ordinals)` for one not live."""
        ordinals = np.ascontiguousarray(ordinals)
        places = np.searchsorted(self.ordinals, ordinals)
        found = np.append(self.ordinals, -1)[places] == ordinals
        return np.where(found, places, len(self.ordinals))


def new_ledger(liveness: Liveness) -> Ledger:
    """The ledger of a full liveness, one read from the beginning."""
    return Ledger(np.empty(0, np.int64), np.empty(0, np.int64), -1).moved(liveness)


def _contains(sorted_values: Rows, probes: Rows) -> Mask:
    places = np.searchsorted(sorted_values, probes)
    found: Mask = np.append(sorted_values, -1)[places] == probes
    return found
