"""The oracle of liveness: every row of every segment is looked at, and nothing is remembered."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from molt.index.catalog.rows.liveness import Liveness


def expected_rows(
    segments: Sequence[npt.NDArray[np.void]], liveness: Liveness, *, indexed_revision: int
) -> list[list[bool]]:
    """For the rows of each segment, which may answer; `liveness` is the full one.

    The rule as docs/architecture.md states it, a row at a time.
    """
    catalog = dict(zip(liveness.ordinals.tolist(), liveness.revisions.tolist(), strict=True))
    newest: dict[int, int] = {}
    for rows in segments:
        for ordinal, revision in zip(*_columns(rows), strict=True):
            newest[ordinal] = max(revision, newest.get(ordinal, -1))
    return [
        [
            ordinal in catalog
            and revision == newest[ordinal]
            and (catalog[ordinal] == revision or catalog[ordinal] > indexed_revision)
            for ordinal, revision in zip(*_columns(rows), strict=True)
        ]
        for rows in segments
    ]


def _columns(rows: npt.NDArray[np.void]) -> tuple[list[int], list[int]]:
    return rows["ordinal"].tolist(), rows["revision"].tolist()
