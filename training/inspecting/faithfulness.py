"""Faithfulness: do the tokens that a method names matter, and do two methods name the same?

The deletion curve: the similarity once the k tokens of the highest scores are gone, beside what
it is once k random ones are. Pure arithmetic over scores and a similarity that can be asked for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import rankdata

from molt.training.inspecting.opened import Doubles, KeptTokens

COUNTS = (1, 2, 3, 5, 8)
DRAWS = 10
JUDGED_COUNT = 3
"""After so many removed tokens it is counted how often random ones took less."""
AGREEING = 0.3
"""Methods whose scores are ranked less alike than this disagree."""
Similarities = Callable[[KeptTokens], Doubles]


@dataclass(frozen=True)
class DeletionPoint:
    """The similarity without the `k` tokens of the highest scores, and without `k` random ones."""

    k: int
    named: float
    random: float


@dataclass(frozen=True)
class Deletion:
    """A deletion curve. `gain` is by how much more the named tokens take than random ones, the mean
    over all points: above 0 is faithful. `beaten` is the share of the draws of three random tokens
    that took less than the three named ones.
    """

    points: tuple[DeletionPoint, ...]
    gain: float
    beaten: float


@dataclass(frozen=True)
class Agreement:
    """How alike two methods rank tokens: Spearman's correlation, the mean over passages."""

    first: str
    second: str
    correlation: float

    @property
    def disagree(self) -> bool:
        """Is it below the bound?"""
        return self.correlation < AGREEING


@dataclass(frozen=True)
class RandomDeletions:
    """The similarities `(draws,)` without as many random tokens, by how many."""

    by_count: Mapping[int, Doubles]


def delete_at_random(similarities: Similarities, m: int, *, seed: int) -> RandomDeletions:
    """What random removals take from a passage of `m` tokens."""
    random = np.random.default_rng(seed)
    counts = [count for count in COUNTS if count < m]
    kept = np.ones((len(counts) * DRAWS, m), bool)
    for row, count in enumerate(np.repeat(counts, DRAWS).tolist()):
        kept[row, random.choice(m, count, replace=False)] = False
    if not counts:
        return RandomDeletions({})
    found = similarities(kept).reshape(len(counts), DRAWS)
    return RandomDeletions(dict(zip(counts, found, strict=True)))


def delete_named(
    similarities: Similarities, scores: Doubles, random: RandomDeletions
) -> Deletion | None:
    """The deletion curve of `scores` `(m,)`; None of a passage too short to have one."""
    counts = [*random.by_count]
    if JUDGED_COUNT not in counts:
        return None
    order = np.argsort(-scores, kind="stable")
    kept = np.ones((len(counts), len(scores)), bool)
    for row, count in enumerate(counts):
        kept[row, order[:count]] = False
    named = similarities(kept)
    points = tuple(
        DeletionPoint(count, float(own), float(random.by_count[count].mean()))
        for count, own in zip(counts, named, strict=True)
    )
    three = float(named[counts.index(JUDGED_COUNT)])
    return Deletion(
        points,
        float(np.mean([one.random - one.named for one in points])),
        float((random.by_count[JUDGED_COUNT] > three).mean()),
    )


def agreements(scores: Iterable[Mapping[str, Doubles]]) -> list[Agreement]:
    """How alike each two methods are, over passages that are each scored by the same methods."""
    passages = [one for one in scores if all(len(each) > 1 for each in one.values())]
    names: Sequence[str] = list(passages[0]) if passages else []
    return [
        Agreement(
            first,
            second,
            float(np.mean([spearman(each[first], each[second]) for each in passages])),
        )
        for first, second in combinations(names, 2)
    ]


def spearman(left: Doubles, right: Doubles) -> float:
    """The correlation of the ranks of two `(n,)`; 0 where either tells nothing apart."""
    ranks = [rankdata(one) - (len(one) + 1) / 2 for one in (left, right)]
    lengths = [float(np.linalg.norm(one)) for one in ranks]
    if min(lengths) == 0:
        return 0.0
    return float(ranks[0] @ ranks[1]) / (lengths[0] * lengths[1])
