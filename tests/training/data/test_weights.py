import math

import pytest

from molt.training.data.tasks import weigh


def test_weights_are_one_on_average() -> None:
    weights = weigh(["a"] * 7 + ["b"], [1.0] * 6 + [0.5] * 2)
    assert sum(weights) / len(weights) == pytest.approx(1, abs=1e-5)


def test_a_query_with_many_examples_counts_by_their_logarithm() -> None:
    weights = weigh(["many"] * 20 + ["one"])
    assert sum(weights[:20]) / weights[20] == pytest.approx(1 + math.log(20), rel=1e-4)


def test_a_grade_beyond_its_even_share_is_damped() -> None:
    weights = weigh([str(at) for at in range(10)], [1.0] * 9 + [0.5])
    times = 9 / 5
    assert weights[0] / weights[9] == pytest.approx((1 + math.log(times)) / times, rel=1e-4)


def test_a_rare_grade_is_not_multiplied() -> None:
    rare = weigh([str(at) for at in range(1001)], [1.0] * 1000 + [0.5])
    assert rare[1000] < 2


def test_a_single_grade_makes_no_difference() -> None:
    assert weigh(["a", "b"], [1.0, 1.0]) == [1.0, 1.0]


def test_no_examples_have_no_weights() -> None:
    assert weigh([], []) == []
