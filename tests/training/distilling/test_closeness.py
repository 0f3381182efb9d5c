import numpy as np
import pytest

from molt.training.distilling.closeness import compare_spaces


def spread(count: int, dimension: int, *, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_equal_vectors_are_as_close_as_can_be() -> None:
    vectors = spread(20, 8, seed=0)
    found = compare_spaces(vectors, vectors)
    assert (found.cosine, found.correlation) == (1.0, 1.0)


def test_a_turned_space_keeps_every_similarity_and_no_vector() -> None:
    vectors = spread(20, 8, seed=0)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((8, 8)))[0].astype(np.float32)
    found = compare_spaces(vectors @ turn, vectors)
    assert found.correlation == pytest.approx(1, abs=1e-4)
    assert found.cosine is not None
    assert abs(found.cosine) < 0.7


def test_vectors_of_another_length_have_no_cosine_and_strangers_no_correlation() -> None:
    found = compare_spaces(spread(200, 6, seed=1), spread(200, 8, seed=2))
    assert found.cosine is None
    assert abs(found.correlation) < 0.1
