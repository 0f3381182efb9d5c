"""Deletion curves and agreement over similarities of which it is known what makes them up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from molt.training.inspecting.faithfulness import (
    COUNTS,
    agreements,
    delete_at_random,
    delete_named,
    spearman,
)

WEIGHTS = np.array([0.0, 0.3, 0.01, 0.02, 0.4, 0.0, 0.05, 0.25, 0.0, 0.01, 0.02, 0.0])


def similarities(kept: np.ndarray) -> np.ndarray:
    return kept @ WEIGHTS


def curve(scores: np.ndarray):
    random = delete_at_random(similarities, len(scores), seed=0)
    return delete_named(similarities, scores, random)


def test_scores_that_are_what_tokens_add_take_more_than_random_ones() -> None:
    found = curve(WEIGHTS)
    assert found is not None
    assert [one.k for one in found.points] == list(COUNTS)
    without = [WEIGHTS.sum() - np.sort(WEIGHTS)[::-1][:k].sum() for k in COUNTS]
    assert [one.named for one in found.points] == pytest.approx(without)
    assert found.gain > 0.2
    assert found.beaten >= 0.9


def test_scores_the_wrong_way_round_take_less_than_random_ones() -> None:
    found = curve(-WEIGHTS)
    assert found is not None
    assert found.gain < -0.1
    assert found.beaten == 0


def test_a_passage_of_three_tokens_has_no_curve() -> None:
    random = delete_at_random(lambda kept: kept.sum(axis=1), 3, seed=0)
    assert delete_named(lambda kept: kept.sum(axis=1), np.arange(3.0), random) is None


@given(st.lists(st.integers(-3, 3), min_size=4, max_size=20), st.randoms(use_true_random=False))
def test_ranks_are_correlated_as_scipy_does(values: list[int], random) -> None:
    other = random.sample(values, len(values))
    left, right = np.array(values, float), np.array(other, float)
    if len(set(values)) == 1:
        assert spearman(left, right) == 0
    else:
        assert spearman(left, right) == pytest.approx(spearmanr(left, right).statistic)


def test_methods_that_rank_the_other_way_round_disagree() -> None:
    alike = [{"one": WEIGHTS, "two": WEIGHTS * 3, "three": -WEIGHTS}] * 2
    found = {(one.first, one.second): one for one in agreements(alike)}
    assert found["one", "two"].correlation == pytest.approx(1)
    assert not found["one", "two"].disagree
    assert found["one", "three"].correlation == pytest.approx(-1)
    assert found["one", "three"].disagree
    assert agreements([]) == []
