from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from molt.encoder.checkpoint import Pooling
from molt.encoder.encoder import TokenVectors
from molt.encoder.late_interaction.maxsim import Nearness, compare, compare_spans
from molt.encoder.late_interaction.relevance import probabilities, relevance_logits
from molt.encoder.late_interaction.token_codes import TokenCodes, code_tokens

ERROR = 0.01
"""What 8 bits may do to a cosine."""


def coded(vectors: NDArray[np.float32], pooling: Pooling = Pooling.MEAN) -> TokenCodes:
    """A text of these tokens, each of one character."""
    places = np.arange(len(vectors))
    offsets = np.stack([places, places + 1], axis=1)
    return code_tokens(TokenVectors(places, vectors, offsets), pooling)


def compared(
    query: TokenCodes, texts: list[TokenCodes], weights: list[float] | None = None
) -> Nearness:
    """With every token of the query counting alike, unless it is said how much."""
    n = len(query.ids)
    return compare(query, texts, weights=np.float32(weights or [1 / max(n, 1)] * n))


def some(n: int, *, seed: int, dimension: int = 32) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n, dimension)).astype(np.float32)


def directions(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_each_token_of_the_query_meets_the_nearest_of_the_text_and_the_mean_counts() -> None:
    query, texts = some(5, seed=0), [some(n, seed=n) for n in (1, 7, 40)]
    expected = [(directions(query) @ directions(text).T).max(axis=1).mean() for text in texts]
    found = compared(coded(query), [coded(text) for text in texts])
    assert found.maxsim.dtype == np.float32
    assert found.maxsim == pytest.approx(expected, abs=ERROR)


def test_a_token_counts_as_much_as_it_weighs() -> None:
    query, text = some(2, seed=0), some(9, seed=1)
    first, second = (directions(query) @ directions(text).T).max(axis=1)
    found = compared(coded(query), [coded(text)], [0.75, 0.25])
    assert found.maxsim == pytest.approx([0.75 * first + 0.25 * second], abs=ERROR)


@pytest.mark.parametrize("pooling", Pooling)
def test_the_cosine_is_that_of_the_pooled_vectors(pooling: Pooling) -> None:
    query, text = some(4, seed=1), some(9, seed=2)
    pooled = [each[0] if pooling is Pooling.CLS else each.mean(axis=0) for each in (query, text)]
    found = compared(coded(query, pooling), [coded(text, pooling)])
    assert found.cosine == pytest.approx(
        np.prod(directions(np.array(pooled)), axis=0).sum(), abs=ERROR
    )


def test_the_score_of_a_text_depends_on_no_other() -> None:
    query, texts = coded(some(3, seed=3)), [coded(some(n, seed=n)) for n in (5, 2, 11)]
    together = compared(query, texts)
    for at, text in enumerate(texts):
        alone = compared(query, [text])
        assert alone.maxsim == pytest.approx(together.maxsim[at : at + 1], abs=1e-6)
        assert alone.cosine == pytest.approx(together.cosine[at : at + 1], abs=1e-6)


def test_a_text_that_holds_the_query_is_as_near_as_can_be() -> None:
    query, other = some(4, seed=5), some(6, seed=6)
    found = compared(coded(query), [coded(np.concatenate([other, query])), coded(other)])
    assert found.maxsim[0] == pytest.approx(1, abs=ERROR)
    assert found.maxsim[1] < 0.9


def test_special_tokens_meet_nothing_and_count_in_the_pooled_vector() -> None:
    vectors = some(3, seed=7)
    offsets = np.array([(0, 0), (0, 4), (0, 0)])
    codes = code_tokens(TokenVectors(np.arange(3), vectors, offsets), Pooling.MEAN)
    assert codes.codes.shape == (2, 32)
    assert codes.n_tokens == 3
    assert codes.directions[0] == pytest.approx(directions(vectors.mean(axis=0)), abs=ERROR)
    assert codes.directions[1] == pytest.approx(directions(vectors[1]), abs=ERROR)


def test_without_tokens_nothing_is_near() -> None:
    empty = code_tokens(TokenVectors(np.arange(2), some(2, seed=8), np.zeros((2, 2))), Pooling.MEAN)
    full = coded(some(3, seed=9))
    assert compared(empty, [full, full]).maxsim.tolist() == [0, 0]
    assert compared(full, [empty, full]).maxsim.tolist() == pytest.approx([0, 1], abs=ERROR)


def test_a_token_whose_vector_is_zero_is_near_to_nothing() -> None:
    silent = coded(np.zeros((2, 32), np.float32))
    found = compared(coded(some(2, seed=10)), [silent])
    assert (found.maxsim.tolist(), found.cosine.tolist()) == ([0], [0])


def test_codes_take_a_byte_a_number() -> None:
    codes = coded(some(10, seed=11, dimension=384))
    assert codes.size == 11 * (384 + 4) + 10 * 8


def test_relevance_rises_with_either_score_and_stays_within_0_and_1() -> None:
    near, far = coded(some(3, seed=12)), coded(some(3, seed=13))
    scores = probabilities(relevance_logits(compared(near, [near, far])))
    assert 1 > scores[0] > scores[1] > 0


def test_a_part_of_a_text_is_compared_by_the_tokens_that_begin_in_it() -> None:
    query, vectors = coded(some(3, seed=0)), some(9, seed=1)
    weights = np.float32([0.5, 0.25, 0.25])
    found = compare_spans(query, coded(vectors), [(0, 4), (4, 9)], weights=weights)
    for at, part in enumerate((vectors[:4], vectors[4:])):
        near = directions(part) @ directions(some(3, seed=0)).T
        assert found.maxsim[at] == pytest.approx(float(near.max(axis=0) @ weights), abs=ERROR)
        own = directions(directions(part).mean(axis=0))
        assert found.cosine[at] == pytest.approx(float(own @ query.directions[0]), abs=ERROR)


def test_a_part_that_was_not_read_is_not_compared() -> None:
    query, text = coded(some(3, seed=0)), coded(some(9, seed=1))
    weights = np.float32([1 / 3] * 3)
    found = compare_spans(query, text, [(0, 9), (9, 20), (4, 4)], weights=weights)
    assert np.isnan(found.cosine).tolist() == [False, True, True]
    assert np.isnan(found.maxsim).tolist() == [False, True, True]
    assert len(compare_spans(query, text, [], weights=weights).maxsim) == 0


def test_no_part_is_near_a_query_without_tokens() -> None:
    whole = coded(some(1, seed=3))
    empty = replace(whole, codes=whole.codes[:1], scales=whole.scales[:1], ids=whole.ids[:0])
    found = compare_spans(empty, coded(some(4, seed=1)), [(0, 4)], weights=np.float32([]))
    assert found.maxsim.tolist() == [0.0]
