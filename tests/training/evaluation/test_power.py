"""What a test can show, against the formula by hand and against draws."""

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from molt.training.evaluation.power import LaterLook, detectable, power_of, queries_for
from molt.training.evaluation.significance import Sampling, paired_test

ONE_LOOK = (LaterLook(0.05),)


def test_what_is_detectable_is_the_formula_s_by_hand() -> None:
    by_hand = (stats.t.ppf(0.975, 49) + stats.t.ppf(0.8, 49)) * 0.2 / np.sqrt(50)
    assert detectable(0.2, 50, level=0.05) == pytest.approx(by_hand)
    assert detectable(0.2, 10_000, level=0.05) == pytest.approx(2.8016 * 0.2 / 100, rel=1e-3)


def test_a_change_that_is_detectable_is_detected_four_times_in_five() -> None:
    random = np.random.default_rng(0)
    mean = detectable(0.25, 60, level=0.05)
    columns = random.normal(mean, 0.25, (60, 600))
    p = np.array(paired_test(columns, sampling=Sampling(permutations=1000)))
    assert ((p < 0.05) & (columns.mean(axis=0) > 0)).mean() == pytest.approx(0.8, abs=0.05)


def test_so_many_queries_suffice_and_one_fewer_does_not() -> None:
    needed = queries_for(0.01, 0.2, level=0.05)
    assert needed is not None
    assert detectable(0.2, needed, level=0.05) <= 0.01 < detectable(0.2, needed - 1, level=0.05)


@pytest.mark.parametrize(("difference", "deviation"), [(0.0, 0.2), (0.01, 0.0), (1e-9, 0.2)])
def test_what_no_number_of_queries_shows_needs_none(difference: float, deviation: float) -> None:
    assert queries_for(difference, deviation, level=0.05) is None


def test_a_lower_level_needs_more() -> None:
    changes = np.array([0.3, -0.1, 0.2, 0.0] * 20)
    once, third = (
        power_of(changes, level=level, worth=0.01, later=(LaterLook(level),))
        for level in (0.05, 0.0083)
    )
    assert once.detectable is not None
    assert third.detectable is not None
    assert once.detectable < third.detectable
    assert once.more_for_worth is not None
    assert third.more_for_worth is not None
    assert once.more_for_worth < third.more_for_worth


def test_the_look_that_takes_the_fewest_queries_is_told() -> None:
    changes = np.array([0.3, -0.1, 0.2, 0.0] * 20)
    next_one, new_account = LaterLook(0.001), LaterLook(0.05, 80)
    both = power_of(changes, level=0.05, worth=0.08, later=(next_one, new_account))
    alone = power_of(changes, level=0.05, worth=0.08, later=(next_one,))
    assert alone.more_for_worth is not None
    assert both.more_for_worth == min(80, alone.more_for_worth)


def test_with_few_queries_that_differ_no_difference_of_any_size_can_be_shown() -> None:
    five, six = (np.array([1.0] * changed + [0.0] * 20) for changed in (5, 6))
    assert power_of(five, level=0.05, worth=0.01, later=ONE_LOOK).blind
    assert not power_of(six, level=0.05, worth=0.01, later=ONE_LOOK).blind
    exact = Sampling(permutations=200_000)
    assert paired_test(five[:, None], sampling=exact)[0] > 0.05 > 2 / 2**6
    assert paired_test(six[:, None], sampling=exact)[0] < 0.05


def test_where_all_differ_alike_nothing_is_said_to_be_detectable() -> None:
    for changes in (np.zeros(20), np.full(20, 0.3), np.array([0.3])):
        found = power_of(changes, level=0.05, worth=0.01, later=ONE_LOOK)
        assert (found.detectable, found.more_for_worth) == (None, None)
