"""What of a snapshot one search may return, for whoever finds documents otherwise than by vectors.

The same live rows and the same filter as for a search by vectors: a document is visible to both or
to neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from molt.index.generations.protocols import Standing
from molt.index.segments.exact import Rows
from molt.index.segments.scope import Scope
from molt.index.segments.spans import find_spans


@dataclass(frozen=True)
class VisibleScopes:
    """The documents of `scopes`: a `VisibleDocuments`."""

    scopes: Sequence[Scope]
    warnings: tuple[str, ...] = ()

    @cached_property
    def n_documents(self) -> int:
        """How many there are."""
        return sum(scope.n_documents for scope in self.scopes)

    def ordinals(self) -> Rows:
        """All of them, `(n,) int64`, ascending."""
        found = [scope.segment.ordinals[scope.rows] for scope in self.scopes]
        return np.unique(np.concatenate([np.empty(0, np.int64), *found]))

    def find(self, ordinals: Rows) -> Standing:
        """Which of `ordinals` `(n,)`, each of which is there once, are visible."""
        order = np.argsort(ordinals)
        shown = np.zeros(len(ordinals), bool)
        starts, ends = np.zeros((2, len(ordinals)), np.int64)
        for scope in self.scopes:
            spans = find_spans(scope.segment.ordinals, ordinals[order])
            if scope.mask is not None:
                spans = spans.where(scope.mask[spans.starts])
            places, rows = order[spans.places], scope.segment.rows[spans.starts]
            shown[places] = True
            starts[places], ends[places] = rows["start"], rows["end"]
        return Standing(shown, starts, ends)
