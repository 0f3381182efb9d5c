"""Tuning a re-ranker: is it worth its time on judged queries, and how much shall it count?

Pure arithmetic over two scores of each candidate. It is chosen only where what it gains on queries
that did not choose its weight is more than chance: without it every search is faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.index.ranking.choosing import folds, least_moved
from molt.index.ranking.mixing import mixed_scores
from molt.index.ranking.reranking import FUSED_WEIGHT
from molt.index.ranking.tuning import graded_ndcg10

_Numbers = npt.NDArray[np.float64]

RERANK_WEIGHTS = tuple(step / 10 for step in range(1, 10))
"""Those that are tried."""
_CERTAIN = 1.96
"""A mean gain of so many standard errors is chance in 5 of 100 cases (two-sided)."""
_OFF = 0


@dataclass(frozen=True)
class JudgedHead:
    """The best candidates of a query, best first: both scores and the grade of each `(m,)`.

    `every_grade` are all that the query's documents have.
    """

    first: _Numbers
    second: _Numbers
    grades: _Numbers
    every_grade: _Numbers


@dataclass(frozen=True)
class TunedReranker:
    """Mean nDCG@10 without it, and with it, each query by the weight that others chose.

    `weight` is None where it is not worth its time.
    """

    weight: float | None
    without: float
    reranked: float
    queries: int


def tune_reranker(judged: Sequence[JudgedHead], *, usual: float = FUSED_WEIGHT) -> TunedReranker:
    """Whether to look again at the candidates of queries like these, and by which weight.

    Of weights that rank as well the one nearest to `usual` is taken.
    """
    values = np.array([_by_weight(one) for one in judged])
    gains = np.zeros(len(values))
    for own, others in folds(len(values)):
        column = _column(values[others if others else own], usual)
        gains[own] = values[own, column] - values[own, _OFF]
    without = float(values[:, _OFF].mean())
    weight = RERANK_WEIGHTS[_column(values, usual) - 1] if _is_certain(gains) else None
    return TunedReranker(weight, without, without + float(gains.mean()), len(values))


def _by_weight(judged: JudgedHead) -> list[float]:
    """nDCG@10 without the second score, and by each of `RERANK_WEIGHTS`."""
    found = [graded_ndcg10(judged.grades, every_grade=judged.every_grade)]
    for weight in RERANK_WEIGHTS:
        mixed = mixed_scores(judged.first, judged.second, weight=weight)
        order = np.argsort(-mixed, kind="stable")
        found.append(graded_ndcg10(judged.grades[order], every_grade=judged.every_grade))
    return found


def _column(values: _Numbers, usual: float) -> int:
    """Where the weight stands that is chosen: of those that rank as well the most `usual`."""
    return 1 + least_moved(values[:, 1:], [abs(weight - usual) for weight in RERANK_WEIGHTS])


def _is_certain(gains: _Numbers) -> bool:
    if len(gains) < 2 or gains.mean() <= 0:
        return False
    return bool(gains.mean() > _CERTAIN * gains.std(ddof=1) / np.sqrt(len(gains)))
