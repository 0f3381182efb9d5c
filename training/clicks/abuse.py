"""Abuse: searches of programs and of spammers, which say nothing of relevance.

Told by what users do alone; who is behind a number is not known here.
"""

from dataclasses import dataclass

import numpy as np

from molt.training.clicks.click_log import BoolArray, ClickLog, FloatArray, IntArray

MOST_CLICKED = 0.7
"""A user who clicks a larger part of what is shown chooses nothing."""
MOST_SEARCHES = 120
"""More searches than these within `WINDOW_SECONDS` are no person's."""
WINDOW_SECONDS = 600.0
TIMES_THE_MEAN = 20.0
"""A user who searches so many times as often as the mean of all others would outweigh them."""
REPEATS = 3
"""So many searches of one user for one query count, the first ones."""
_ENOUGH_SHOWN = 10
_ENOUGH_SEARCHES = 50
NO_USER = -1
"""The number of a user whom no event names."""


@dataclass(frozen=True)
class Suspicions:
    """Which searches to leave out `(n,) bool` of a log, each for one reason at most."""

    clicks_all: BoolArray
    too_fast: BoolArray
    too_many: BoolArray
    repeated: BoolArray

    @property
    def any(self) -> BoolArray:
        """Which there is any reason against."""
        return self.clicks_all | self.too_fast | self.too_many | self.repeated


def suspect(log: ClickLog, *, users: IntArray, queries: IntArray, at: FloatArray) -> Suspicions:
    """What to leave out: by the number of its user, -1 for unknown, of its query, and its second.

    All are `(n,)`. Searches whose user is unknown are suspected of clicking everything alone.
    """
    alone = np.where(users == NO_USER, users.max(initial=0) + 1 + np.arange(len(users)), users)
    clicks_all = _clicking_all(log, alone)[alone]
    known = users != NO_USER
    too_fast = known & np.isin(users, _too_fast(users, at)) & ~clicks_all
    too_many = known & np.isin(users, _too_many(users)) & ~clicks_all & ~too_fast
    others = known & ~clicks_all & ~too_fast & ~too_many
    return Suspicions(clicks_all, too_fast, too_many, _repeated(users, queries, others))


def _clicking_all(log: ClickLog, users: IntArray) -> BoolArray:
    """Which users `(most + 1,)` clicked more than a person would of what they were shown."""
    size = int(users.max(initial=0)) + 1
    shown = np.bincount(users, weights=log.shown.sum(axis=1), minlength=size)
    clicked = np.bincount(users, weights=log.clicks.sum(axis=1), minlength=size)
    return (shown >= _ENOUGH_SHOWN) & (clicked > MOST_CLICKED * shown)


def _too_fast(users: IntArray, at: FloatArray) -> IntArray:
    order = np.lexsort((at, users))
    user, moment = users[order], at[order]
    if len(user) <= MOST_SEARCHES:
        return np.zeros(0, dtype=np.int64)
    same = user[MOST_SEARCHES:] == user[:-MOST_SEARCHES]
    fast = moment[MOST_SEARCHES:] - moment[:-MOST_SEARCHES] < WINDOW_SECONDS
    return np.unique(user[MOST_SEARCHES:][same & fast])


def _too_many(users: IntArray) -> IntArray:
    numbers, counts = np.unique(users[users != NO_USER], return_counts=True)
    if len(numbers) < 2:
        return np.zeros(0, dtype=np.int64)
    others = (counts.sum() - counts) / (len(counts) - 1)
    found: IntArray = numbers[(counts >= _ENOUGH_SEARCHES) & (counts > TIMES_THE_MEAN * others)]
    return found


def _repeated(users: IntArray, queries: IntArray, among: BoolArray) -> BoolArray:
    """Searches, in the order given, of a user who had asked the same often enough."""
    rows = np.flatnonzero(among)
    order = rows[np.lexsort((rows, queries[rows], users[rows]))]
    pairs = np.stack([users[order], queries[order]], axis=1)
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    first = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    repeated = np.zeros(len(users), dtype=bool)
    repeated[order[np.arange(len(order)) - first >= REPEATS]] = True
    return repeated
