import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.training.data.cleaning.text import collapse, compose, text_key, word_set


def clean(text: str) -> str:
    return compose(collapse(text), limit=100)


def test_emoji_and_text_from_right_to_left_stay_as_they_are() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    for text in (f"{family} trip 🇩🇪", "\u202bشلوم hello\u202c", "שלום עולם", "ما هو الربو؟"):
        assert clean(text) == text


def test_blanks_and_control_characters_become_one_space() -> None:
    assert clean(" a\t\n b\x00\x07c\u3000d\x85 ") == "a b c d"


def test_lone_surrogates_go() -> None:
    assert clean("a\ud800b\udfff") == "ab"


def test_accents_are_composed() -> None:
    assert clean("cafe\u0301") == "caf\u00e9"


@given(st.text(max_size=300))
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert len(once) <= 100


@given(st.text(max_size=50))
def test_the_key_of_a_key_is_itself(text: str) -> None:
    key = text_key(clean(text))
    assert text_key(key) == key


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("What is AI?", "what  is ai?"),
        ("Straße", "STRASSE"),
        ("zero\u200bwidth", "zerowidth"),
        ("\u200fهو", "هو"),  # noqa: RUF001
        ("É", "e\u0301"),
    ],
)
def test_texts_that_look_alike_have_one_key(left: str, right: str) -> None:
    assert text_key(clean(left)) == text_key(clean(right))


def test_words_lose_the_punctuation_around_them_and_keep_their_own() -> None:
    assert word_set("what's c++, (c#) or .net? - “x.y”") == {
        "what's", "c++", "c#", "or", ".net", "x.y",
    }  # fmt: skip


def test_a_text_of_nothing_but_punctuation_has_words_too() -> None:
    assert word_set("?! ...") == {"?!", "..."}


def test_a_long_run_of_accents_is_cut_before_it_is_composed() -> None:
    text = "a" + "\u0301\u0316" * 500_000
    assert len(compose(collapse(text), limit=2000)) <= 2000
