from dataclasses import replace

import numpy as np
import pytest

from molt.index.ranking.rerank_tuning import RERANK_WEIGHTS, JudgedHead, tune_reranker
from molt.index.ranking.reranking import FUSED_WEIGHT

N = 60


def head(random: np.random.Generator, *, better: float) -> JudgedHead:
    """30 candidates, one of them relevant, and a second score that is so much higher for it."""
    first = np.sort(random.uniform(0.2, 0.9, 30))[::-1]
    grades = np.zeros(30)
    grades[random.integers(0, 12)] = 1
    second = random.normal(0.3, 0.1, 30) + better * grades
    return JudgedHead(first, second, grades, np.array([1.0]))


def heads(*, better: float, n: int = N) -> list[JudgedHead]:
    random = np.random.default_rng(3)
    return [head(random, better=better) for _ in range(n)]


def test_a_second_score_that_knows_more_is_taken_with_a_weight() -> None:
    tuned = tune_reranker(heads(better=0.4))
    assert tuned.weight in RERANK_WEIGHTS
    assert tuned.reranked > tuned.without + 0.1
    assert tuned.queries == N


@pytest.mark.parametrize("better", [0.0, -0.3])
def test_one_that_knows_nothing_more_is_left_out(better: float) -> None:
    assert tune_reranker(heads(better=better)).weight is None


def test_a_gain_that_may_be_chance_is_not_taken() -> None:
    same = [replace(one, second=one.first) for one in heads(better=0.0, n=19)]
    second_best = (np.arange(12) == 1).astype(np.float64)
    lucky = JudgedHead(np.linspace(1, 0.9, 12), second_best, second_best, np.ones(1))
    tuned = tune_reranker([*same, lucky])
    assert tuned.reranked > tuned.without
    assert tuned.weight is None


def test_of_weights_that_rank_alike_the_usual_one_is_taken() -> None:
    judged = [
        JudgedHead(one.grades, one.grades, one.grades, np.array([1.0])) for one in heads(better=0)
    ]
    ruined = [JudgedHead(np.zeros(30), one.second, one.grades, one.every_grade) for one in judged]
    assert tune_reranker(ruined).weight == FUSED_WEIGHT


def test_a_single_query_proves_nothing() -> None:
    assert tune_reranker(heads(better=0.4, n=1)).weight is None
