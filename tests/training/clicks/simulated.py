"""Simulated users, whose truth is known: what they examine, what attracts them, who is a program.

Every query ranks its documents by a score that is wrong about some of them for good, and a little
noisy, so that the ranks of documents change.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from molt.training.clicks.click_log import BoolArray, ClickLog, FloatArray, IntArray

QUERIES, DOCUMENTS, DEPTH = 60, 15, 10
ATTRACTS = np.array([0.05, 0.25, 0.5, 0.8])
"""How likely a document that is examined is clicked, by its grade."""
EXAMINED = 1 / np.arange(1, DEPTH + 1) ** 0.8
TRUSTED = 0.35 / np.arange(1, DEPTH + 1)
"""How likely a document that does not attract is clicked all the same, since it stands there."""
ABANDONS, SATISFIES = 0.1, np.array([0.1, 0.3, 0.6, 0.9])
_SLOPE, _ERROR, _NOISE = 0.4, 1.2, 0.7


@dataclass(frozen=True)
class Simulation:
    """What users did, and the truth: the grades of all pairs `(n_pairs,)`.

    `users`, `queries` and `at` are those of each search, as `suspect` takes them; `programs` says
    which searches are no person's.
    """

    log: ClickLog
    grades: IntArray
    users: IntArray
    queries: IntArray
    at: FloatArray
    programs: BoolArray


Click = Callable[[np.random.Generator, IntArray], BoolArray]
"""Clicks `(n, DEPTH)` of users who are shown documents of these grades `(n, DEPTH)`."""


def click_by_position(random: np.random.Generator, grades: IntArray) -> BoolArray:
    """Users who examine ranks whatever stands there."""
    return random.random(grades.shape) < EXAMINED * ATTRACTS[grades]


def click_by_trust(random: np.random.Generator, grades: IntArray) -> BoolArray:
    """Users who also click what does not attract them, since it stands high."""
    attracts = ATTRACTS[grades] + (1 - ATTRACTS[grades]) * TRUSTED
    return random.random(grades.shape) < EXAMINED * attracts


def click_from_the_top(random: np.random.Generator, grades: IntArray) -> BoolArray:
    """Users who read from the top until they are satisfied, or have enough."""
    clicks = np.zeros(grades.shape, dtype=bool)
    reads = np.ones(len(grades), dtype=bool)
    for column in range(grades.shape[1]):
        grade = grades[:, column]
        clicks[:, column] = reads & (random.random(len(grades)) < ATTRACTS[grade])
        satisfied = clicks[:, column] & (random.random(len(grades)) < SATISFIES[grade])
        reads = reads & ~satisfied & (random.random(len(grades)) >= ABANDONS)
    return clicks


def simulate(
    click: Click, *, searches: int = 5000, seed: int, programs: int = 0, noise: float = _NOISE
) -> Simulation:
    """Searches of people, and `programs` more of ten programs: five click all, five at random.

    Without `noise` a query always ranks its documents alike.
    """
    random = np.random.default_rng(seed)
    grades = random.choice(4, size=(QUERIES, DOCUMENTS), p=[0.6, 0.2, 0.12, 0.08])
    total = searches + programs
    queries = random.integers(QUERIES, size=total)
    believed = _SLOPE * grades + random.normal(scale=_ERROR, size=grades.shape)
    scores = believed[queries] + random.normal(scale=noise, size=(total, DOCUMENTS))
    shown = np.argsort(-scores, axis=1)[:, :DEPTH]
    pairs = queries[:, None] * DOCUMENTS + shown
    clicks = click(random, grades.reshape(-1)[pairs])
    users = random.integers(searches // 4, size=total)
    at = np.sort(random.uniform(0, 30 * 86400, size=total))
    is_program = np.zeros(total, dtype=bool)
    is_program[random.permutation(total)[:programs]] = True
    users[is_program] = searches + np.arange(programs) % 10
    clicks[is_program] = random.random((programs, DEPTH)) < np.where(
        users[is_program, None] % 2, 0.95, 0.4
    )
    log = ClickLog(pairs, clicks, clicks.astype(np.float64), QUERIES * DOCUMENTS)
    return Simulation(log, grades.reshape(-1), users, queries, at, is_program)


def ndcg(scores: FloatArray, grades: IntArray) -> float:
    """The mean nDCG@10 over all queries of documents ranked by `scores`, ties at their worst."""
    values = []
    for own, truth in zip(
        scores.reshape(QUERIES, DOCUMENTS), grades.reshape(QUERIES, DOCUMENTS), strict=True
    ):
        order = np.lexsort((truth, -own))[:DEPTH]
        discounts = 1 / np.log2(np.arange(2, DEPTH + 2))
        ideal = (np.sort(2.0**truth - 1)[::-1][:DEPTH] * discounts).sum()
        if ideal:
            values.append(((2.0 ** truth[order] - 1) * discounts).sum() / ideal)
    return float(np.mean(values))
