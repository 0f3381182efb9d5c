"""Coverage: does a generation answer for every document that it says it is complete for?"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from molt.index.catalog.liveness import Liveness
from molt.index.generations.generation import GenerationManifest
from molt.index.generations.ledger import new_ledger
from molt.index.generations.problem import Problem
from molt.index.segments.segment import ROW, Segment


def check_coverage(
    path: Path, manifest: GenerationManifest, *, segments: Sequence[Segment], liveness: Liveness
) -> Iterator[Problem]:
    """Find live documents without a row, and passages that would answer twice.

    `liveness` is the full one, read after the manifest.
    """
    if manifest.revision > liveness.revision:
        yield Problem(
            path,
            f"is complete up to revision {manifest.revision}, but the catalog is at "
            f"{liveness.revision}: restore the catalog that belongs to it, or re-index",
        )
        return
    masks = new_ledger(liveness).live_masks(
        [segment.rows for segment in segments], indexed_revision=manifest.revision
    )
    live = [segment.rows[mask] for segment, mask in zip(segments, masks, strict=True)]
    rows = np.concatenate([np.empty(0, ROW), *live])
    indexed = liveness.ordinals[liveness.revisions <= manifest.revision]
    missing = np.setdiff1d(indexed, rows["ordinal"])
    if len(missing):
        first = f"the first at ordinal {missing[0]}"
        yield Problem(path, f"has no row for {len(missing)} live documents, {first}: re-index")
    _, counts = np.unique(rows[["ordinal", "passage"]], return_counts=True)
    if (counts > 1).any():
        yield Problem(path, f"answers twice for {np.count_nonzero(counts > 1)} passages: re-index")
