import numpy as np
import pytest

from molt.training.distilling.teaching import TeacherVectors
from molt.training.distilling.texts import CollectionTexts


@pytest.fixture
def taught() -> TeacherVectors:
    """Vectors of eight numbers that lie, but for a little, in three directions."""
    random = np.random.default_rng(0)
    vectors = random.standard_normal((50, 3)) @ random.standard_normal((3, 8))
    vectors += 0.01 * random.standard_normal((50, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return TeacherVectors(CollectionTexts((), ()), vectors.astype(np.float32))


def test_the_directions_that_are_kept_keep_the_similarities(taught: TeacherVectors) -> None:
    directions = taught.directions(3)
    assert np.allclose(directions.T @ directions, np.eye(3), atol=1e-5)
    shorter = taught.along(directions).vectors
    assert shorter.shape == (50, 3)
    assert np.allclose(shorter @ shorter.T, taught.vectors @ taught.vectors.T, atol=0.01)
    worse = taught.along(taught.directions(8)[:, :3]).vectors
    assert not np.allclose(worse @ worse.T, taught.vectors @ taught.vectors.T, atol=0.1)


def test_where_all_numbers_are_kept_the_vectors_stay_as_they_are(taught: TeacherVectors) -> None:
    whole = taught.along(taught.directions(8))
    assert np.allclose(whole.vectors, taught.vectors, atol=1e-6)
