import numpy as np
import pytest

from molt.training.evaluation.runs import Run
from molt.training.evaluation.similarity import compare_runs, overlap, rbo


def rows(*values: list[int]) -> np.ndarray:
    return np.array(values, np.int32)


def test_rbo_has_the_value_computed_by_hand() -> None:
    """Shared down to ranks 1, 2, 3: 0, 2, 2; so agreement is 0, 1, 2/3."""
    p = 0.8
    expected = 2 / 3 * p**3 + (1 - p) / p * (0 * p + 1 * p**2 + 2 / 3 * p**3)
    assert rbo(rows([1, 2, 3]), rows([2, 1, 4]), p=p)[0] == pytest.approx(expected)


def test_rbo_of_the_same_ranking_is_one_and_of_disjoint_ones_zero() -> None:
    same = np.arange(100, dtype=np.int32)[None]
    assert rbo(same, same)[0] == pytest.approx(1)
    assert rbo(same, same + 100)[0] == 0


def test_a_swap_at_the_top_weighs_more_than_one_at_the_bottom() -> None:
    left = np.arange(50, dtype=np.int32)
    top, bottom = left.copy(), left.copy()
    top[[0, 1]] = top[[1, 0]]
    bottom[[48, 49]] = bottom[[49, 48]]
    found = rbo(np.stack([left, left]), np.stack([top, bottom]))
    assert found[0] < found[1] < 1


def test_rbo_agrees_with_its_definition_by_sets_on_random_rankings() -> None:
    random = np.random.default_rng(0)
    left, right = (np.array([random.permutation(60)[:40] for _ in range(300)]) for _ in range(2))
    depth, p = 40, 0.9
    expected = []
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        agreement = [len(set(a[:d]) & set(b[:d])) / d for d in range(1, depth + 1)]
        total = sum(each * p**d for d, each in enumerate(agreement, 1))
        expected.append(agreement[-1] * p**depth + (1 - p) / p * total)
    np.testing.assert_allclose(rbo(left, right, p=p), expected)


def test_overlap_counts_what_both_show_whatever_the_order() -> None:
    left = rows(list(range(12)), list(range(12)))
    right = rows([*range(9, -1, -1), 10, 11], [5, 6, 7, 8, 9, 50, 51, 52, 53, 54, 0, 1])
    assert overlap(left, right, depth=10).tolist() == [1.0, 0.5]


def test_a_shorter_ranking_overlaps_over_its_own_length() -> None:
    assert overlap(rows([1, 2, 3]), rows([3, 1, 4]), depth=10)[0] == pytest.approx(2 / 3)


def test_runs_are_compared_by_the_means_over_queries() -> None:
    def run(values: np.ndarray) -> Run:
        return Run(("a", "b"), values, np.zeros(values.shape, np.float32))

    found = compare_runs(run(rows([1, 2], [1, 2])), run(rows([1, 2], [3, 4])))
    assert (found.rbo, found.overlap10) == pytest.approx((0.5, 0.5))


def test_what_a_shorter_list_lacks_is_nothing_that_two_have_in_common() -> None:
    assert overlap(rows([1, -1, -1]), rows([2, -1, -1]), depth=3)[0] == 0
    assert rbo(rows([1, -1]), rows([2, -1]))[0] == 0
