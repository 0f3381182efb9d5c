"""Reuse: the vectors that some segments hold already, found by the hash of their text.

Equal text has an equal vector under one checkpoint, so it is never encoded twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from molt.index.segments.exact import Mask, Vectors
from molt.index.segments.hashes import Hashes
from molt.index.segments.segment import Segment


@dataclass(frozen=True)
class Reused:
    """`vectors` `(n, dim) float32`, meaningful where `found` `(n,)` holds."""

    vectors: Vectors
    found: Mask


def reuse_vectors(segments: Iterable[Segment], hashes: Hashes, *, dimension: int) -> Reused:
    """Look the text hashes `(n,)` of dtype `V16` up in every segment, live rows or dead."""
    reused = Reused(np.empty((len(hashes), dimension), np.float32), np.zeros(len(hashes), bool))
    for segment in segments:
        missing = np.flatnonzero(~reused.found)
        if not len(missing):
            break
        rows = segment.rows_by_hash.find(hashes[missing])
        known = rows >= 0
        reused.vectors[missing[known]] = segment.vectors[rows[known]]
        reused.found[missing[known]] = True
    return reused
