import numpy as np
import pytest

from molt.encoder.safety.reference import Reference, least_cosine, make_reference


def test_a_vector_comes_back_as_it_was() -> None:
    vector = np.random.default_rng(0).standard_normal(384).astype(np.float32)
    assert np.array_equal(make_reference("a", vector).values(), vector)


@pytest.mark.parametrize("vector", ["A", "A" * 6, "nothing that is base64"])
def test_what_is_no_vector_is_a_value_error(vector: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Reference("a", vector).values()


@pytest.mark.parametrize(("worst", "least"), [(1.0, 0.998), (0.998, 0.994), (0.5, 0.9)])
def test_a_variant_may_lose_a_little_more_than_it_was_measured_to(
    worst: float, least: float
) -> None:
    assert least_cosine(worst) == pytest.approx(least)
