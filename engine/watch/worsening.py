"""Worsening: what a watch concludes from searches and clicks before and after a flip.

Pure arithmetic. A difference counts where it is larger than the settings allow and too large for
chance: a one-sided test of two proportions at 1 %.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from molt.engine.sections import WatchSettings

_Z = 2.326  # the 99th percentile of the normal distribution
_LEAST_SECONDS = 0.01
"""Whoever waits this much longer does not notice."""


@dataclass(frozen=True)
class Share:
    """`hits` of `n`."""

    hits: int = 0
    n: int = 0

    @property
    def value(self) -> float:
        """The share; 0 of none."""
        return self.hits / self.n if self.n else 0.0


@dataclass(frozen=True)
class Sample:
    """Searches answered within `seconds` each, how many failed, and queries with a click."""

    seconds: Sequence[float] = ()
    failed: int = 0
    clicked: Share = field(default_factory=Share)

    @property
    def failing(self) -> Share:
        """Which share of the searches failed."""
        return Share(self.failed, len(self.seconds) + self.failed)


def worsening(before: Sample, after: Sample, settings: WatchSettings) -> str | None:
    """Why the generation that `after` is of should be taken back, or None where it need not be."""
    findings = (_failing, _slow, _unclicked)
    return next((why for find in findings if (why := find(before, after, settings))), None)


def _failing(before: Sample, after: Sample, settings: WatchSettings) -> str | None:
    if after.failing.n < settings.min_requests:
        return None
    risen = after.failing.value - before.failing.value > settings.max_error_share
    if not risen or not _larger(after.failing, before.failing):
        return None
    return (
        f"the share of failing searches rose from {before.failing.value:.1%} to "
        f"{after.failing.value:.1%}"
    )


def _slow(before: Sample, after: Sample, settings: WatchSettings) -> str | None:
    if min(len(before.seconds), len(after.seconds)) < settings.min_requests:
        return None
    pair = before, after
    former, latter = (float(np.quantile(each.seconds, 0.95)) for each in pair)
    limit = max(settings.max_slowdown * former, former + _LEAST_SECONDS)
    slow = [Share(sum(one > limit for one in each.seconds), len(each.seconds)) for each in pair]
    if latter <= limit or not _larger(slow[1], slow[0]):
        return None
    return (
        f"the slowest 5 % of searches take {1000 * latter:.0f} ms or more, "
        f"{1000 * former:.0f} ms before"
    )


def _unclicked(before: Sample, after: Sample, settings: WatchSettings) -> str | None:
    if min(before.clicked.n, after.clicked.n) < settings.min_requests:
        return None
    kept = after.clicked.value / before.clicked.value if before.clicked.hits else 1.0
    if 1 - kept <= settings.max_click_loss or not _larger(before.clicked, after.clicked):
        return None
    return (
        f"the share of queries with a click fell from {before.clicked.value:.1%} to "
        f"{after.clicked.value:.1%}"
    )


def _larger(high: Share, low: Share) -> bool:
    """Is the first share larger than the second by more than chance? With no second, by itself."""
    n = high.n, low.n or high.n
    pooled = (high.hits + low.hits) / sum(n)
    deviation = math.sqrt(max(pooled * (1 - pooled), 1e-12) * (1 / n[0] + 1 / n[1]))
    return high.value - low.value > _Z * deviation
