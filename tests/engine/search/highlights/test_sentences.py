"""Where sentences begin and end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.engine.search.highlights.sentences import _END, _signs, pieces, sentences

WRITTEN = st.text(alphabet="ab C.!?…。\"')\n -*\u0301\u200d3防", max_size=80)


def told(text: str) -> list[str]:
    return [text[one.start : one.end] for one in sentences(text, 0, len(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One thing. Another? Yes!", ["One thing.", "Another?", "Yes!"]),
        ("It costs 3.50 today. Well", ["It costs 3.50 today.", "Well"]),
        ("Boots, e.g. of felt. Two", ["Boots, e.g. of felt.", "Two"]),
        ("It weighs approx. two pounds. Well", ["It weighs approx. two pounds.", "Well"]),
        ("By J. R. Smith. Two", ["By J. R. Smith.", "Two"]),
        ("Dr. Smith came. Two", ["Dr. Smith came.", "Two"]),
        ('He said "go." She went.', ['He said "go."', "She went."]),
        ("it is ice . it melts .", ["it is ice .", "it melts ."]),
        ("防水靴です。「良い。」とても", ["防水靴です。", "「良い。」", "とても"]),
        ("यह जूता है। वह", ["यह जूता है।", "वह"]),
        ("a wrapped\nline\n\nparagraph", ["a wrapped\nline", "paragraph"]),
        ("list\n- one\n* two", ["list", "- one", "* two"]),
        (" \n ", []),
    ],
)
def test_a_sentence_ends_where_its_language_says(text: str, expected: list[str]) -> None:
    assert told(text) == expected


def test_only_the_characters_that_are_asked_for_are_looked_at() -> None:
    text = "One. Two words. Three."
    found = [text[one.start : one.end] for one in sentences(text, 5, 12)]
    assert found == ["Two wor"]


@given(WRITTEN, st.integers(0, 10), st.integers(0, 80))
def test_no_sign_is_missed_by_looking_for_what_each_has(text: str, start: int, end: int) -> None:
    found = [sign.span() for sign in _signs(text, start, end)]
    assert found == [sign.span() for sign in _END.finditer(text, start, end)]


def test_a_long_sentence_is_cut_between_words() -> None:
    text = "a sentence of several words that goes on"
    found = [text[one.start : one.end] for one in pieces(text, 0, len(text), size=20)]
    assert found == ["a sentence of", "several words that", "goes on"]


def test_a_long_word_is_cut_between_letters_and_not_before_an_accent() -> None:
    text = "e\u0301" * 20
    found = [text[one.start : one.end] for one in pieces(text, 0, len(text), size=9)]
    assert "".join(found) == text
    assert not any(one.startswith("\u0301") for one in found)


@given(WRITTEN, st.integers(4, 30))
def test_pieces_follow_each_other_are_short_and_leave_out_spaces_alone(
    text: str, size: int
) -> None:
    found = list(pieces(text, 0, len(text), size=size))
    assert all(0 < one.end - one.start <= size for one in found)
    assert all(text[one.start : one.end].strip() == text[one.start : one.end] for one in found)
    kept = "".join(text[one.start : one.end] for one in found)
    assert "".join(kept.split()) == "".join(text.split())
    assert [one.start for one in found] == sorted({one.start for one in found})
