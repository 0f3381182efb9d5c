import numpy as np
import pytest

from molt.encoder.safety.vectors import fault_of


def unit(rows: int = 3) -> np.ndarray:
    vectors = np.random.default_rng(0).standard_normal((rows, 8)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("length", [1.0, 1.004, 0.996])
def test_what_bf16_takes_from_a_length_is_let_pass(length: float) -> None:
    assert fault_of(unit() * np.float32(length), may_be_zero=False) is None


@pytest.mark.parametrize(
    ("value", "fault"),
    [(np.nan, "not finite"), (np.inf, "not finite"), (1e30, "not finite"), (0.0, "the length 0")],
)
def test_one_wrong_vector_among_sound_ones_is_found(value: float, fault: str) -> None:
    vectors = unit()
    vectors[1] = value
    assert fault in str(fault_of(vectors, may_be_zero=False))


@pytest.mark.parametrize("length", [1.02, 0.98, 3.0])
def test_another_length_is_found(length: float) -> None:
    fault = fault_of(unit() * np.float32(length), may_be_zero=True)
    assert f"the length {length:.3g}" in str(fault)


def test_only_who_may_has_the_zero_vector() -> None:
    zero = np.zeros((1, 8), dtype=np.float32)
    assert fault_of(zero, may_be_zero=True) is None
    assert fault_of(zero, may_be_zero=False) is not None


def test_no_vectors_have_no_fault() -> None:
    assert fault_of(unit(0), may_be_zero=False) is None
