import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from ir_measures import calc_aggregate, nDCG

from molt.index.ranking.choosing import folds
from molt.index.ranking.field_weights import FieldWeights
from molt.index.ranking.fusing import Union, fused_scores
from molt.index.ranking.fusion import UNTUNED_WEIGHT
from molt.index.ranking.tuning import (
    FACTORS,
    WEIGHTS,
    JudgedQueries,
    JudgedUnion,
    TunedWeights,
    judged_union,
    ndcg10,
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


def judged(unions: Sequence[JudgedUnion]) -> JudgedQueries:
    """Queries of a collection that has no fields."""
    return JudgedQueries(lambda fields: unions, {})


def titled(random: np.random.Generator, *, gain: float, n: int = N) -> JudgedQueries:
    """Queries whose words find what is relevant the better the more a title counts."""
    seeds = random.integers(1 << 30, size=n).tolist()

    def judge(fields: FieldWeights) -> list[JudgedUnion]:
        better = gain * math.log1p(fields["title"])
        return [query(np.random.default_rng(one), dense=0.05, lexical=better) for one in seeds]

    return JudgedQueries(judge, {"title": 0.0, "brand": 1.0})


def test_a_leg_that_knows_nothing_has_little_weight() -> None:
    assert judged(queries(dense=0.3, lexical=0.0)).tune().dense > UNTUNED_WEIGHT
    assert judged(queries(dense=0.0, lexical=0.3)).tune().dense < UNTUNED_WEIGHT


def test_of_weights_that_rank_alike_the_usual_one_is_kept() -> None:
    alike = [
        replace(one, union=replace(one.union, lexical=one.union.dense))
        for one in queries(dense=0.1, lexical=0.0)
    ]
    assert judged(alike).tune() == TunedWeights(UNTUNED_WEIGHT, {})


def test_a_single_query_moves_no_weight_further_than_it_has_to() -> None:
    one = judged(queries(dense=0.3, lexical=0.0, n=1))
    tuned = one.tune()
    best = max(one.mean(each) for each in WEIGHTS)
    assert one.mean(tuned.dense) == best
    far = abs(tuned.dense - UNTUNED_WEIGHT)
    nearer = [each for each in WEIGHTS if abs(each - UNTUNED_WEIGHT) < far]
    assert all(one.mean(each) < best for each in nearer)


def test_the_chosen_weight_is_hardly_worse_than_the_best() -> None:
    found = judged(queries(dense=0.3, lexical=0.05))
    best = max(found.mean(each) for each in WEIGHTS)
    assert best - found.mean(found.tune().dense) < 0.02


def test_a_field_by_which_queries_are_ranked_better_counts_more() -> None:
    found = titled(np.random.default_rng(3), gain=0.15)
    tuned = found.tune()
    assert tuned.fields == {"title": max(FACTORS)}
    assert found.mean(tuned.dense, tuned.fields) > found.mean(tuned.dense) + 0.05


def test_a_field_that_changes_nothing_keeps_the_weight_that_it_has() -> None:
    assert titled(np.random.default_rng(3), gain=0.0).tune().fields == {}


def test_a_field_that_only_spoils_rankings_loses_its_weight() -> None:
    def judge(fields: FieldWeights) -> list[JudgedUnion]:
        return queries(dense=0.05, lexical=0.2 / (1 + fields["brand"]))

    assert JudgedQueries(judge, {"brand": 2.0}).tune().fields == {"brand": 0.0}


def test_nothing_is_searched_for_twice() -> None:
    asked: list[FieldWeights] = []

    def judge(fields: FieldWeights) -> list[JudgedUnion]:
        asked.append(fields)
        return queries(dense=0.1, lexical=0.1, n=12)

    found = JudgedQueries(judge, {"title": 0.0})
    found.tune()
    found.cross_validated()
    assert [one["title"] for one in asked] == sorted({one["title"] for one in asked})
    assert len(asked) == len(FACTORS)


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_it_measures_what_trec_eval_does(weight: float) -> None:
    for one in queries(dense=0.1, lexical=0.1, n=5):
        graded = {str(at): int(grade) for at, grade in enumerate(one.grades) if grade}
        scores = fused_scores(one.union, weight)
        run = {"q": {str(at): float(score) for at, score in enumerate(scores)}}
        found = calc_aggregate([nDCG @ 10], {"q": graded}, run)[nDCG @ 10]
        assert ndcg10(one, [weight]).tolist() == pytest.approx([found])


def test_what_no_leg_found_counts_against_it_and_what_is_not_judged_has_no_grade() -> None:
    union = Union(np.array([3, 5, 8]), np.array([0.9, 0.5, 0.1]), np.zeros(3))
    one = judged_union(union, {5: 1, 99: 1})
    assert one.grades.tolist() == [0, 1, 0]
    expected = (1 / np.log2(3)) / (1 + 1 / np.log2(3))
    assert ndcg10(one, [1.0]).tolist() == pytest.approx([expected])


def test_no_query_has_part_in_the_weights_that_it_is_ranked_by_for_its_cross_validated_mean() -> (
    None
):
    found = titled(np.random.default_rng(3), gain=0.05, n=23)
    values = []
    for own, others in folds(23):
        assert not {*own} & {*others}
        tuned = found.tune(others)
        values += found.measure(tuned.fields)[own, WEIGHTS.index(tuned.dense)].tolist()
    assert len(values) == 23
    assert found.cross_validated() == pytest.approx(np.mean(values))
