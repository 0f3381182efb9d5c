import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from molt.encoder.scheduling.batching import MicroBatch, few_at_once, packed, singles


def tokens(*lengths: int) -> list[NDArray[np.int64]]:
    """Texts of these lengths, no two tokens alike."""
    starts = np.cumsum([1, *lengths])
    return [
        np.arange(start, start + length) for start, length in zip(starts, lengths, strict=False)
    ]


def restored(batches: list[MicroBatch]) -> dict[int, list[int]]:
    """The ids under the mask, by row of the request."""
    return {
        row: ids[mask == 1].tolist()
        for batch in batches
        for row, ids, mask in zip(batch.rows, batch.input_ids, batch.attention_mask, strict=True)
    }


LENGTHS = st.lists(st.integers(1, 512), max_size=40)


@given(LENGTHS)
def test_packing_keeps_every_token_of_every_text_once(lengths: list[int]) -> None:
    texts = tokens(*lengths)
    batches = packed(texts)
    assert sorted(row for batch in batches for row in batch.rows) == list(range(len(texts)))
    assert restored(batches) == {row: ids.tolist() for row, ids in enumerate(texts)}


@given(LENGTHS)
def test_a_batch_is_one_text_or_few_tokens(lengths: list[int]) -> None:
    for batch in packed(tokens(*lengths)):
        assert len(batch.rows) == 1 or (len(batch.rows) <= 8 and batch.input_ids.size <= 256)


@given(LENGTHS)
def test_texts_are_packed_longest_first(lengths: list[int]) -> None:
    order = [lengths[row] for batch in packed(tokens(*lengths)) for row in batch.rows]
    assert order == sorted(lengths, reverse=True)


def test_padding_is_zero_on_the_right_and_masked() -> None:
    (batch,) = packed(tokens(2, 4))
    assert batch.rows == (1, 0)
    assert batch.input_ids.tolist() == [[3, 4, 5, 6], [1, 2, 0, 0]]
    assert batch.attention_mask.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert batch.input_ids.dtype == batch.attention_mask.dtype == np.int64


def test_short_texts_are_computed_together_and_long_ones_alone() -> None:
    assert [len(batch.rows) for batch in packed(tokens(*[8] * 20))] == [8, 8, 4]
    assert [len(batch.rows) for batch in packed(tokens(*[200] * 3))] == [1, 1, 1]


def test_singles_are_alone_unpadded_and_in_order() -> None:
    batches = singles(tokens(3, 1, 2))
    assert [batch.rows for batch in batches] == [(0,), (1,), (2,)]
    assert [batch.input_ids.shape for batch in batches] == [(1, 3), (1, 1), (1, 2)]
    assert all(batch.attention_mask.all() for batch in batches)


@pytest.mark.parametrize("arrange", [packed, singles])
def test_no_texts_make_no_batches(arrange: object) -> None:
    assert callable(arrange)
    assert arrange([]) == []


@given(st.lists(st.integers(0, 300_000), max_size=100))
def test_few_texts_are_read_at_once_and_long_ones_alone(lengths: list[int]) -> None:
    texts = ["x" * length for length in lengths]
    parts = few_at_once(texts)
    assert [text for part in parts for text in part] == texts
    for part in parts:
        assert 1 <= len(part) <= 32
        assert len(part) == 1 or sum(map(len, part)) <= 100_000
