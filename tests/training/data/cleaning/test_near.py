import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.training.data.cleaning.near import NearIndex
from molt.training.data.cleaning.text import word_set

KEYS = st.lists(st.sampled_from("abcdefghijkl"), min_size=1, max_size=14).map(" ".join)


@given(st.lists(KEYS, max_size=30), KEYS, st.sampled_from([0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0]))
def test_exactly_the_keys_that_share_enough_words_are_found(
    keys: list[str], key: str, threshold: float
) -> None:
    own = word_set(key)
    near = {
        other
        for other in keys
        if len(own & word_set(other)) * 100 >= round(threshold * 100) * len(own | word_set(other))
    }
    found = list(NearIndex(keys, threshold=threshold).find(key))
    assert set(found) == near
    assert len(found) == len(near)


def test_a_number_makes_another_question() -> None:
    index = NearIndex(["what are the symptoms of spinocerebellar ataxia 12"], threshold=0.9)
    assert not list(index.find("what are the symptoms of spinocerebellar ataxia 13"))


@pytest.mark.parametrize("text", ["one two three", "three, two one?"])
def test_order_and_punctuation_make_no_difference(text: str) -> None:
    assert list(NearIndex(["one two three"], threshold=1.0).find(text)) == ["one two three"]


def test_words_that_no_key_has_hide_nothing() -> None:
    key = "a b c d e f g h i j"
    assert list(NearIndex([key], threshold=0.9).find(f"{key} zebra")) == [key]
    assert not list(NearIndex([key], threshold=0.9).find(f"{key} zebra gnu"))


def test_a_similarity_of_exactly_the_threshold_is_enough() -> None:
    fourteen = "a b c d e f g h i j k l m n"
    index = NearIndex([fourteen], threshold=0.56)  # of 25, 14.000000000000002 in floating point
    assert list(index.find(f"{fourteen} o p q r s t u v w x y")) == [fourteen]
