"""Prefixes against a plain search of every text."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.engine.search.suggestions.prefixes import PrefixIndex, WeighedTexts, folded_texts

TEXTS = ["Warm waterproof boots", "Wärmer", "warm", "Boots, warm", "a b c d e f g h warm", "--"]
WORD = st.text("abÀàé-1 ", max_size=6)
TITLES = st.lists(st.tuples(WORD, st.integers(1, 3)), max_size=12)


def find(texts: list[str], prefix: str, *, k: int = 10) -> list[str]:
    index = PrefixIndex(WeighedTexts(texts, [1] * len(texts)))
    return [texts[place] for place in index.find(prefix, k=k)]


def test_what_begins_so_comes_before_what_has_a_word_that_does() -> None:
    assert find(TEXTS, "war") == ["warm", "Wärmer", "Warm waterproof boots", "Boots, warm"]


@pytest.mark.parametrize("prefix", ["WÄRM", "wa\u0308rm", "  warm", "(warm", "\uff57arm"])
def test_accents_capitals_and_punctuation_make_no_difference(prefix: str) -> None:
    assert find(TEXTS, prefix) == find(TEXTS, "warm")


def test_a_blank_at_the_end_ends_the_word() -> None:
    assert find(TEXTS, "warm ") == ["Warm waterproof boots"]


@pytest.mark.parametrize("prefix", ["-", "!?", "\u0301", "zebra", "warm boots"])
def test_what_nothing_begins_with_finds_nothing(prefix: str) -> None:
    assert find(TEXTS, prefix) == []


def test_no_texts_are_found_by_nothing() -> None:
    assert find([], "a") == []


def test_more_weight_comes_first_and_a_text_comes_once() -> None:
    texts = ["boots boots boots", "boots", "boot"]
    index = PrefixIndex(WeighedTexts(texts, [5, 1, 9]))
    assert index.find("boo", k=10) == [2, 0, 1]
    assert index.find("boo", k=1) == [2]


@pytest.mark.parametrize("text", ["中文搜索", "ไทย", "עברית", "日本語 検索"])
def test_every_script_is_found_by_how_it_begins(text: str) -> None:
    assert find([text, "other"], text[:2]) == [text]


def test_a_prefix_longer_than_what_is_compared_is_cut() -> None:
    long = "word" * 30
    assert find([long], long) == [long]


@given(titles=TITLES, prefix=WORD, k=st.integers(1, 4))
def test_what_is_found_is_what_looking_at_every_text_finds(
    titles: list[tuple[str, int]], prefix: str, k: int
) -> None:
    texts, weights = [text for text, _ in titles], [weight for _, weight in titles]
    found = PrefixIndex(WeighedTexts(texts, weights)).find(prefix, k=k)
    ranks = [rank(text, weight, prefix) for text, weight in titles]
    every = sorted(one for one in ranks if one is not None)
    assert [ranks[place] for place in found] == every[:k]
    assert len(set(found)) == len(found)


def rank(text: str, weight: int, prefix: str) -> tuple[bool, int, int, str] | None:
    """Where a text stands among those that a prefix finds, or None."""
    own, wanted = fold(text), fold(prefix) + (" " if prefix[-1:].isspace() else "")
    if not wanted.strip() or not own:
        return None
    words = own.split(" ")
    at = [place for place in range(len(words)) if " ".join(words[place:]).startswith(wanted)]
    return (at[0] > 0, -weight, len(own), own) if at else None


def fold(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", " ", plain.lower()).strip()


@given(text=st.text("abÀàé-1 ", max_size=20))
def test_texts_are_folded_as_they_are_read(text: str) -> None:
    assert folded_texts([text])[0] == fold(text)
