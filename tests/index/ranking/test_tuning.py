from dataclasses import replace

import numpy as np
import pytest
from ir_measures import calc_aggregate, nDCG

from molt.index.ranking.fusing import Union, fused_scores
from molt.index.ranking.fusion import UNTUNED_WEIGHT, Fusion
from molt.index.ranking.tuning import (
    WEIGHTS,
    JudgedUnion,
    cross_validated,
    folds,
    judged_union,
    ndcg10,
    tune_weight,
)

N = 40


def query(random: np.random.Generator, *, dense: float, lexical: float) -> JudgedUnion:
    """30 candidates, three of them relevant, by legs that are so much better than chance."""
    grades = np.zeros(30)
    grades[:3] = (2, 1, 1)
    said = [
        np.clip(random.normal(0.4, 0.1, 30) + better * (grades > 0), 0, 1)
        for better in (dense, lexical)
    ]
    order = random.permutation(30)
    union = Union(np.arange(30), said[0][order], said[1][order])
    return JudgedUnion(union, grades[order], np.array([2.0, 1.0, 1.0]))


def queries(*, dense: float, lexical: float, n: int = N) -> list[JudgedUnion]:
    random = np.random.default_rng(7)
    return [query(random, dense=dense, lexical=lexical) for _ in range(n)]


def test_a_leg_that_knows_nothing_has_little_weight() -> None:
    assert tune_weight(queries(dense=0.3, lexical=0.0)).dense > UNTUNED_WEIGHT
    assert tune_weight(queries(dense=0.0, lexical=0.3)).dense < UNTUNED_WEIGHT


def test_of_weights_that_rank_alike_the_usual_one_is_kept() -> None:
    judged = [
        replace(one, union=replace(one.union, lexical=one.union.dense))
        for one in queries(dense=0.1, lexical=0.0)
    ]
    assert tune_weight(judged).dense == UNTUNED_WEIGHT


def test_a_single_query_moves_no_weight_further_than_it_has_to() -> None:
    one = queries(dense=0.3, lexical=0.0, n=1)
    tuned = tune_weight(one)
    best = max(tuned.curve)
    assert tuned.at(tuned.dense) == best
    far = abs(tuned.dense - UNTUNED_WEIGHT)
    nearer = [each for each in WEIGHTS if abs(each - UNTUNED_WEIGHT) < far]
    assert all(tuned.at(each) < best for each in nearer)


def test_the_curve_is_the_mean_of_each_weight() -> None:
    judged = queries(dense=0.2, lexical=0.1)
    tuned = tune_weight(judged)
    for weight in (0.0, 0.35, 1.0):
        assert tuned.at(weight) == pytest.approx(np.mean([ndcg10(one, weight) for one in judged]))
    assert tuned.fusion == Fusion(dense=tuned.dense)


def test_the_chosen_weight_is_hardly_worse_than_the_best() -> None:
    tuned = tune_weight(queries(dense=0.3, lexical=0.05))
    assert max(tuned.curve) - tuned.at(tuned.dense) < 0.02


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_it_measures_what_trec_eval_does(weight: float) -> None:
    for one in queries(dense=0.1, lexical=0.1, n=5):
        graded = {str(at): int(grade) for at, grade in enumerate(one.grades) if grade}
        scores = fused_scores(one.union, weight)
        run = {"q": {str(at): float(score) for at, score in enumerate(scores)}}
        found = calc_aggregate([nDCG @ 10], {"q": graded}, run)[nDCG @ 10]
        assert ndcg10(one, weight) == pytest.approx(found)


def test_what_no_leg_found_counts_against_it_and_what_is_not_judged_has_no_grade() -> None:
    union = Union(np.array([3, 5, 8]), np.array([0.9, 0.5, 0.1]), np.zeros(3))
    judged = judged_union(union, {5: 1, 99: 1})
    assert judged.grades.tolist() == [0, 1, 0]
    assert ndcg10(judged, 1.0) == pytest.approx((1 / np.log2(3)) / (1 + 1 / np.log2(3)))


def test_no_query_has_part_in_the_weight_that_it_is_ranked_by_for_its_cross_validated_mean() -> (
    None
):
    judged = queries(dense=0.15, lexical=0.1, n=23)
    values = []
    for own, others in folds(len(judged)):
        assert not {*own} & {*others}
        weight = tune_weight([judged[at] for at in others]).dense
        values += [ndcg10(judged[at], weight) for at in own]
    assert len(values) == len(judged)
    assert cross_validated(judged) == pytest.approx(np.mean(values))
    assert cross_validated(judged) <= max(tune_weight(judged).curve)


def test_five_parts_are_as_large_as_each_other_and_few_queries_have_a_part_each() -> None:
    assert sorted(len(own) for own, _ in folds(12)) == [2, 2, 2, 3, 3]
    assert [len(own) for own, _ in folds(3)] == [1, 1, 1]
