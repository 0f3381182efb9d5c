import numpy as np
import pytest
from numpy.typing import NDArray

from molt.training.export.fidelity import ProbeVectors, compare

OWN = range(30)


def probe(vectors: NDArray[np.float32]) -> ProbeVectors:
    return ProbeVectors(queries=vectors, documents=vectors)


@pytest.fixture
def reference() -> NDArray[np.float32]:
    vectors = np.random.default_rng(0).standard_normal((30, 16)).astype(np.float32)
    normalised: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normalised


def test_equal_vectors_lose_nothing(reference: NDArray[np.float32]) -> None:
    found = compare(probe(reference), reference=probe(reference), answers=OWN)
    assert (found.cosine_mean, found.cosine_min) == (1.0, 1.0)
    assert (found.ndcg10, found.ndcg10_reference, found.ndcg10_loss) == (1.0, 1.0, 0.0)


def test_one_wrong_vector_is_seen_in_the_least_cosine(reference: NDArray[np.float32]) -> None:
    wrong = reference.copy()
    wrong[7] = -wrong[7]
    found = compare(probe(wrong), reference=probe(reference), answers=OWN)
    assert found.cosine_min == -1.0
    assert found.cosine_mean == pytest.approx(1 - 2 / 30)


def test_a_ranking_that_is_worse_costs_ndcg(reference: NDArray[np.float32]) -> None:
    shuffled = ProbeVectors(queries=reference, documents=np.roll(reference, 1, axis=0))
    found = compare(shuffled, reference=probe(reference), answers=OWN)
    assert found.ndcg10 < 0.6
    assert found.ndcg10_loss > 0.4


def test_a_relevant_document_is_looked_for_where_the_answers_say(
    reference: NDArray[np.float32],
) -> None:
    rolled = ProbeVectors(queries=reference, documents=np.roll(reference, 1, axis=0))
    found = compare(rolled, reference=rolled, answers=[(at + 1) % 30 for at in OWN])
    assert found.ndcg10 == found.ndcg10_reference == 1.0


@pytest.mark.parametrize("length", [0.5, 0.9, 1.1, 5.0])
def test_vectors_of_another_length_do_not_pass_by_their_angle(
    reference: NDArray[np.float32], length: float
) -> None:
    other = probe(reference * np.float32(length))
    assert compare(other, reference=probe(reference), answers=OWN).cosine_mean < 0.99


def test_vectors_that_are_all_alike_rank_nothing(reference: NDArray[np.float32]) -> None:
    alike = probe(np.repeat(reference[:1], 30, axis=0))
    assert compare(alike, reference=probe(reference), answers=OWN).ndcg10 == 0.0


def test_vectors_that_are_not_finite_are_worth_nothing(reference: NDArray[np.float32]) -> None:
    broken = np.full_like(reference, np.nan)
    found = compare(probe(broken), reference=probe(reference), answers=OWN)
    assert found.cosine_mean <= 0.0
    assert found.ndcg10 == 0.0
