"""Tuning: the weight by which judged queries are ranked best, no further from the usual than shown.

Pure arithmetic over what two legs say and how relevant it is. Knows no collections and no files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.index.ranking.fusing import Union, fused_scores
from molt.index.ranking.fusion import UNTUNED_WEIGHT, Fusion

_Numbers = npt.NDArray[np.float64]

WEIGHTS = tuple(step / 20 for step in range(21))
"""Those that are tried: ranking hardly changes between two of them."""
_CUTOFF = 10
_FOLDS = 5
_SEED = 0
_DOUBT = 0.5
"""Weights whose mean lies so many standard errors of the difference below the best are as good."""


@dataclass(frozen=True)
class JudgedUnion:
    """A query's candidates, the grade of each `(m,)`, and all grades that its documents have."""

    union: Union
    grades: _Numbers
    every_grade: _Numbers


@dataclass(frozen=True)
class TunedWeight:
    """The weight chosen, and the mean nDCG@10 of each of `WEIGHTS` over the queries."""

    dense: float
    curve: tuple[float, ...]

    @property
    def fusion(self) -> Fusion:
        """What a release keeps of it."""
        return Fusion(dense=self.dense)

    def at(self, weight: float) -> float:
        """The mean nDCG@10 of one of `WEIGHTS`."""
        return self.curve[WEIGHTS.index(weight)]


def judged_union(union: Union, judgments: Mapping[int, int]) -> JudgedUnion:
    """Candidates with their grades, by the ids of documents; what is not judged has none."""
    grades = np.array([judgments.get(one, 0) for one in union.ids.tolist()], np.float64)
    return JudgedUnion(union, grades, np.array([*judgments.values()], np.float64))


def tune_weight(judged: Sequence[JudgedUnion]) -> TunedWeight:
    """The weight of the dense leg for queries like these, of which each has a relevant document.

    Not the one that is best by chance: of all that are as good as that, within half a standard
    error of the paired difference, the one nearest to `UNTUNED_WEIGHT`. Few queries move it little.
    """
    values = np.array([[ndcg10(one, weight) for weight in WEIGHTS] for one in judged])
    means = values.mean(axis=0)
    best = int(means.argmax())
    behind = values[:, [best]] - values
    doubt = behind.std(axis=0) / np.sqrt(len(values))
    as_good = [at for at in range(len(WEIGHTS)) if means[best] - means[at] <= _DOUBT * doubt[at]]
    chosen = min(as_good, key=lambda at: (abs(WEIGHTS[at] - UNTUNED_WEIGHT), at))
    return TunedWeight(WEIGHTS[chosen], tuple(means.tolist()))


def cross_validated(judged: Sequence[JudgedUnion]) -> float:
    """The mean nDCG@10 where each fifth of the queries has the weight that the others tuned."""
    values = np.zeros(len(judged))
    for own, others in folds(len(judged)):
        weight = tune_weight([judged[at] for at in others]).dense
        values[own] = [ndcg10(judged[at], weight) for at in own]
    return float(values.mean())


def folds(n: int) -> Iterator[tuple[list[int], list[int]]]:
    """Five parts of `n` queries, or as many as there are, each with all the others; seeded."""
    part = np.random.default_rng(_SEED).permutation(n) % min(_FOLDS, n)
    for fold in range(part.max(initial=-1) + 1):
        yield np.flatnonzero(part == fold).tolist(), np.flatnonzero(part != fold).tolist()


def ndcg10(judged: JudgedUnion, weight: float) -> float:
    """nDCG@10 with the grade as gain (K. Järvelin and J. Kekäläinen, ACM TOIS 20, 2002).

    As trec_eval has it, so that it is what reports say; equal scores by rising id.
    """
    order = np.lexsort((judged.union.ids, -fused_scores(judged.union, weight)))
    return graded_ndcg10(judged.grades[order], every_grade=judged.every_grade)


def graded_ndcg10(grades: _Numbers, *, every_grade: _Numbers) -> float:
    """nDCG@10 of a ranking by its `grades`, best first, beside all that the query's have."""
    ideal = _gain(np.sort(every_grade)[::-1])
    return _gain(grades) / ideal if ideal else 0.0


def _gain(grades: _Numbers) -> float:
    """The discounted gain of a ranking's first ten."""
    first = np.maximum(grades[:_CUTOFF], 0.0)
    return float((first / np.log2(np.arange(len(first)) + 2)).sum())
