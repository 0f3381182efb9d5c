"""Tuning: the weights by which judged queries are ranked best, if more than chance shows them.

Those of meaning beside words, and of the fields that words are looked for in. Pure arithmetic over
what two legs say and how relevant it is. Knows no collections and no files.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.index.ranking.choosing import folds, least_moved
from molt.index.ranking.field_weights import FieldWeights
from molt.index.ranking.fusing import Union, fused_scores
from molt.index.ranking.fusion import UNTUNED_WEIGHT, adapted

_Numbers = npt.NDArray[np.float64]
_Rows = list[int] | slice

WEIGHTS = tuple(step / 20 for step in range(21))
"""Those of meaning that are tried: ranking hardly changes between two of them."""
FACTORS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Those of a field that are tried."""
_CUTOFF = 10
_ALL = slice(None)


@dataclass(frozen=True)
class JudgedUnion:
    """A query's candidates, the grade of each `(m,)`, and all grades that its documents have."""

    union: Union
    grades: _Numbers
    every_grade: _Numbers


@dataclass(frozen=True)
class TunedWeights:
    """That of meaning, and those of fields which differ from the usual ones."""

    dense: float
    fields: FieldWeights


Judge = Callable[[FieldWeights], Sequence[JudgedUnion]]
"""What both legs find for each of the queries where fields weigh so."""


class JudgedQueries:
    """Queries of which each has a relevant document, and what ranks them how well.

    `usual` are all fields that words may be looked for in, with the weights that they have where
    nothing was tuned. `judge` is asked once for the same weights.
    """

    def __init__(self, judge: Judge, usual: FieldWeights) -> None:
        self._judge = judge
        self._usual = usual
        self._measured: dict[tuple[float, ...], _Numbers] = {}

    def measure(self, fields: FieldWeights | None = None) -> _Numbers:
        """nDCG@10 `(n, 21)` of each query by each of `WEIGHTS`; fields as usual, or as these."""
        whole = {**self._usual, **(fields or {})}
        key = tuple(whole.values())
        if key not in self._measured:
            self._measured[key] = np.stack([_measured(one) for one in self._judge(whole)])
        return self._measured[key]

    def mean(self, dense: float, fields: FieldWeights | None = None) -> float:
        """The mean nDCG@10 by one of `WEIGHTS`."""
        return float(self.measure(fields)[:, WEIGHTS.index(dense)].mean())

    def tune(self, rows: _Rows = _ALL) -> TunedWeights:
        """The weights for queries like these: of one field after the other, then of meaning."""
        tuned: dict[str, float] = {}
        for path, usual in self._usual.items():
            factors = sorted({*FACTORS, usual})
            tried = [self.measure({**tuned, path: one})[rows] for one in factors]
            best = np.stack([one[:, _weight(one)] for one in tried], axis=1)
            distances = [abs(math.log1p(one) - math.log1p(usual)) for one in factors]
            factor = factors[least_moved(best, distances)]
            if factor != usual:
                tuned[path] = factor
        return TunedWeights(WEIGHTS[_weight(self.measure(tuned)[rows])], tuned)

    def cross_validated(self) -> float:
        """The mean nDCG@10 where each fifth of the queries has the weights that others tuned."""
        values = np.zeros(len(self.measure()))
        for own, others in folds(len(values)):
            tuned = self.tune(others)
            values[own] = self.measure(tuned.fields)[own, WEIGHTS.index(tuned.dense)]
        return float(values.mean())


def _measured(judged: JudgedUnion) -> _Numbers:
    return ndcg10(judged, [adapted(weight, judged.union.n_words) for weight in WEIGHTS])


def _weight(values: _Numbers) -> int:
    return least_moved(values, [abs(weight - UNTUNED_WEIGHT) for weight in WEIGHTS])


def judged_union(union: Union, judgments: Mapping[int, int]) -> JudgedUnion:
    """Candidates with their grades, by the ids of documents; what is not judged has none."""
    grades = np.array([judgments.get(one, 0) for one in union.ids.tolist()], np.float64)
    return JudgedUnion(union, grades, np.array([*judgments.values()], np.float64))


def ndcg10(judged: JudgedUnion, weights: Sequence[float]) -> _Numbers:
    """nDCG@10 `(k,)` of a query by each of `weights` `(k,)` of meaning, whatever words it has.

    With the grade as gain (K. Järvelin and J. Kekäläinen, ACM TOIS 20, 2002), as trec_eval has it,
    so that it is what reports say; equal scores by rising id.
    """
    ideal = _gain(np.sort(judged.every_grade)[::-1])
    if not ideal:
        return np.zeros(len(weights))
    scores = np.stack([fused_scores(judged.union, weight) for weight in weights])
    order = np.argsort(-scores, axis=1, kind="stable")[:, :_CUTOFF]
    return _gain(judged.grades[order]) / ideal


def graded_ndcg10(grades: _Numbers, *, every_grade: _Numbers) -> float:
    """nDCG@10 of a ranking by its `grades`, best first, beside all that the query's have."""
    ideal = float(_gain(np.sort(every_grade)[::-1]))
    return float(_gain(grades)) / ideal if ideal else 0.0


def _gain(grades: _Numbers) -> _Numbers:
    """The discounted gain of the first ten of each ranking `(…, n)`."""
    first = np.maximum(grades[..., :_CUTOFF], 0.0)
    gain: _Numbers = (first / np.log2(np.arange(first.shape[-1]) + 2)).sum(axis=-1)
    return gain
