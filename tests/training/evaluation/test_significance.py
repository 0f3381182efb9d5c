import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from molt.training.evaluation.significance import (
    Sampling,
    benjamini_hochberg,
    estimate,
    holm,
    of_falls,
    paired_test,
)

QUICK = Sampling(resamples=1_000, permutations=999)


def test_under_the_null_p_is_uniform() -> None:
    random = np.random.default_rng(0)
    p_values = np.array(
        [
            paired_test(random.laplace(size=(40, 1)), sampling=Sampling(permutations=499, seed=at))
            for at in range(400)
        ]
    ).ravel()
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    assert (p_values <= 0.05).mean() == pytest.approx(0.05, abs=0.03)


def test_a_planted_effect_has_the_smallest_p_there_is() -> None:
    random = np.random.default_rng(1)
    changes = random.normal(0.2, 0.1, size=(200, 1))
    assert paired_test(changes, sampling=QUICK) == [1 / 1000]


def test_p_is_the_share_of_sign_flips_that_reach_as_far() -> None:
    """Of the 8 signs of 1, 2 and 3 only two reach 6; add one to each count."""
    (p,) = paired_test(np.array([[1.0], [2.0], [3.0]]), sampling=Sampling(permutations=20_000))
    assert p == pytest.approx(2 / 8, abs=0.01)


def test_the_test_is_two_sided() -> None:
    changes = np.random.default_rng(2).normal(0.03, 0.1, size=(60, 1))
    up, down = (paired_test(sign * changes, sampling=QUICK)[0] for sign in (1, -1))
    assert up == down < 0.2


def test_no_difference_at_all_has_p_one() -> None:
    assert paired_test(np.zeros((30, 2)), sampling=QUICK) == [1.0, 1.0]


def test_equal_seeds_give_equal_answers_and_others_do_not() -> None:
    values = np.random.default_rng(3).normal(0.02, 0.1, size=(50, 1))
    same = [paired_test(values, sampling=QUICK) for _ in range(2)]
    other = paired_test(values, sampling=Sampling(permutations=999, seed=9))
    assert same[0] == same[1] != other
    assert estimate(values, sampling=QUICK) == estimate(values, sampling=QUICK)


def test_blocks_of_many_rows_change_nothing_but_the_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(4).normal(size=(100, 1))
    whole = estimate(values, sampling=QUICK)[0]
    monkeypatch.setattr("molt.training.evaluation.significance._BLOCK_CELLS", 1_000)
    parts = estimate(values, sampling=QUICK)[0]
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high), abs=0.03)


def test_intervals_cover_the_true_mean_as_often_as_they_say() -> None:
    """Values as measures have them: between 0 and 1, and skewed."""
    random = np.random.default_rng(0)
    covered = 0
    for at in range(500):
        (found,) = estimate(
            random.beta(0.5, 1.5, size=(60, 1)), sampling=Sampling(resamples=600, seed=at)
        )
        covered += found.low <= 0.25 <= found.high
    assert covered / 500 == pytest.approx(0.95, abs=0.03)


def test_intervals_agree_with_scipy_s() -> None:
    values = np.random.default_rng(6).exponential(size=80)
    reference = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="BCa", random_state=7
    ).confidence_interval
    (found,) = estimate(values[:, None], sampling=Sampling(resamples=20_000))
    assert (found.low, found.high) == pytest.approx(tuple(reference), abs=0.01)


def test_constant_values_have_an_interval_of_no_width() -> None:
    (found,) = estimate(np.full((20, 1), 0.5), sampling=QUICK)
    assert (found.mean, found.low, found.high) == (0.5, 0.5, 0.5)


def test_one_query_has_no_interval() -> None:
    (found,) = estimate(np.array([[0.3]]), sampling=QUICK)
    assert (found.mean, found.low, found.high) == (0.3, None, None)


def test_columns_are_treated_alike() -> None:
    values = np.random.default_rng(8).normal(size=(50, 3))
    together = estimate(values, sampling=QUICK)
    (alone,) = estimate(values[:, [1]], sampling=QUICK)
    assert (together[1].low, together[1].high) == pytest.approx((alone.low, alone.high))
    assert paired_test(values, sampling=QUICK)[2] == paired_test(values[:, [2]], sampling=QUICK)[0]


def test_holm_s_correction_has_the_values_computed_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_correction_of_benjamini_and_hochberg_agrees_with_scipy_s() -> None:
    p_values = np.random.default_rng(10).random(30) ** 3
    expected = stats.false_discovery_control(p_values)
    assert benjamini_hochberg(p_values.tolist()) == pytest.approx(expected.tolist())
    assert benjamini_hochberg([]) == []


def test_falls_are_corrected_for_those_that_fell_and_what_rose_costs_nothing() -> None:
    p_values, means = [0.01, 0.001, 0.02, 0.5], [-0.1, 0.2, -0.05, 0.1]
    assert of_falls(p_values, means) == pytest.approx([0.02, 1, 0.02, 1])
    assert of_falls([0.01], [0.1]) == [1]
    assert of_falls([], []) == []


def test_small_levels_are_told_by_more_draws() -> None:
    assert Sampling().at(0.05) == Sampling()
    assert Sampling().at(0.0005).permutations == 100_000
    assert Sampling().at(1e-9).permutations == 2_000_000
    assert Sampling().within(0.01) == Sampling(confidence=0.99)
    assert Sampling().within(0.001).resamples == 50_000
