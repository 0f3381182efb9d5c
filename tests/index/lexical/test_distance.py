"""How many letters of a word are others."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from molt.index.lexical.distance import edit_distance


@pytest.mark.parametrize(
    ("one", "other", "letters"),
    [
        ("boots", "boots", 0),
        ("boots", "boosts", 1),
        ("boots", "bots", 1),
        ("boots", "boats", 1),
        ("boots", "botos", 1),
        ("boots", "bost", 2),
        ("boots", "roads", None),
        ("", "ab", 2),
    ],
)
def test_letters_that_differ_are_counted(one: str, other: str, letters: int | None) -> None:
    assert edit_distance(one, other, most=2) == letters
    assert edit_distance(other, one, most=2) == letters


@example("abca", "baca", 1)
@example("abca", "bcaa", 2)
@given(st.text("abc", max_size=7), st.text("abc", max_size=7), st.integers(1, 2))
def test_words_differ_by_as_many_letters_as_it_takes(word: str, other: str, most: int) -> None:
    found = _distance(word, other)
    assert edit_distance(word, other, most=most) == (found if found <= most else None)


def _distance(word: str, other: str) -> int:
    """The same by its definition."""
    if not word or not other:
        return max(len(word), len(other))
    cost = min(
        _distance(word[:-1], other) + 1,
        _distance(word, other[:-1]) + 1,
        _distance(word[:-1], other[:-1]) + (word[-1] != other[-1]),
    )
    if len(word) > 1 < len(other) and word[-2:] == other[-1] + other[-2]:
        cost = min(cost, _distance(word[:-2], other[:-2]) + 1)
    return cost
