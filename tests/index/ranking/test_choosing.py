import numpy as np
import pytest

from molt.index.ranking.choosing import folds, least_moved

DISTANCES = (2, 1, 0)


def measured(means: list[float], *, noise: float) -> np.ndarray:
    """40 queries that differ by the same in all settings, and by `noise` in each."""
    random = np.random.default_rng(5)
    own = random.normal(0, noise, (40, len(means)))
    return random.uniform(0.3, 0.7, (40, 1)) + means + own - own.mean(axis=0)


@pytest.mark.parametrize(
    ("means", "noise", "expected"),
    [
        ([0.2, 0.0, 0.1], 0.001, 0),
        ([0.2, 0.199, 0.1], 0.1, 1),
        ([0.11, 0.105, 0.1], 0.2, 2),
        ([0.1, 0.1, 0.1], 0.0, 2),
    ],
)
def test_of_what_is_as_good_as_the_best_the_most_usual_is_chosen(
    means: list[float], noise: float, expected: int
) -> None:
    assert least_moved(measured(means, noise=noise), DISTANCES) == expected


def test_five_parts_are_as_large_as_each_other_and_few_queries_have_a_part_each() -> None:
    assert sorted(len(own) for own, _ in folds(12)) == [2, 2, 2, 3, 3]
    assert [len(own) for own, _ in folds(3)] == [1, 1, 1]
