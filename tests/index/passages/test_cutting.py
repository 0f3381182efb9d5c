"""Cutting: no passage is too long, nothing of a text is lost, and cuts are where they suit it."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.index.passages.breaks import Level, levels_at
from molt.index.passages.cutting import split_text

TEXTS = st.lists(
    st.sampled_from(
        [
            "one",
            "Two",
            "ten. ",
            "Is it? ",
            " ",
            "\n",
            "\n\n",
            "\n# Head ",
            "日本。",
            "über ",
            "x" * 30,
        ]
    ),
    max_size=60,
).map("".join)


def starts_of(text: str) -> np.ndarray:
    """Every run of letters and every other character but spaces is a token."""
    return np.array([match.start() for match in re.finditer(r"\w+|[^\w\s]", text)], np.int64)


def parts(text: str, *, budget: int, overlap: int = 0) -> list[str]:
    spans = split_text(text, starts_of(text), budget=budget, overlap=overlap)
    return [text[span.start : span.end] for span in spans]


@given(TEXTS, st.integers(1, 12), st.integers(0, 12))
def test_passages_hold_the_whole_text_and_none_has_too_many_tokens(text, budget, overlap):
    spans = split_text(text, starts_of(text), budget=budget, overlap=overlap)
    assert spans[0].start == 0
    assert spans[-1].end == len(text)
    for former, latter in pairwise(spans):
        assert former.start < latter.start <= former.end < latter.end
        assert overlap or latter.start == former.end
    assert all(len(starts_of(text[span.start : span.end])) <= budget for span in spans)


def test_a_text_that_fits_is_one_passage():
    assert parts("one two\n\nthree", budget=3) == ["one two\n\nthree"]
    assert parts("", budget=3) == [""]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b c d e\n\nf g h i", ["a b c d e\n\n", "f g h i"]),
        ("a b c d e\nf g. H i", ["a b c d e\n", "f g. H i"]),
        ("a b c d. E f g h i", ["a b c d. ", "E f g h i"]),
        ("a b c d\n\ne\n## f g h i", ["a b c d\n\ne\n", "## f g h i"]),
        ("a b c d e f g h i", ["a b c d e f g h ", "i"]),
        ("一二三四。五六七八九", ["一二三四。", "五六七八九"]),
    ],
)
def test_a_cut_is_made_where_the_best_part_begins(text, expected):
    starts = np.array([place for place, char in enumerate(text) if not char.isspace()], np.int64)
    found = [text[span.start : span.end] for span in split_text(text, starts, budget=8)]
    assert found == expected


def test_a_passage_is_at_least_half_full():
    assert parts("a\n\nb c d e f g h. I j k", budget=8)[0] == "a\n\nb c d e f g "


def test_a_cut_passage_begins_with_whole_sentences_of_the_former_one():
    text = "A b c. D e. F g h i. J k l m n."
    assert parts(text, budget=12, overlap=6) == ["A b c. D e. F g h i. ", "F g h i. J k l m n."]
    assert parts(text, budget=12, overlap=3) == ["A b c. D e. F g h i. ", "J k l m n."]


def test_nothing_is_repeated_across_paragraphs():
    text = "A b c. D e.\n\nF g h i. J k l m n."
    assert parts(text, budget=8, overlap=4)[1].startswith("F g h i.")


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("He left. Then", Level.SENTENCE),
        ("approx. then", Level.WORD),
        ("“He left.” Then", Level.SENTENCE),
        ("Left.\nThen", Level.LINE),
        ("Left.\n \n Then", Level.PARAGRAPH),
        ("Left.\n\n# Then", Level.HEADING),
        ("Ушёл. Then", Level.SENTENCE),
        ("left Then", Level.WORD),
        ("leftThen", Level.CHARACTER),
    ],
)
def test_what_begins_is_told_by_what_is_before_it(text, level):
    last = max(text.rfind("Then"), text.rfind("then"))
    place = text.rfind("#") if "#" in text else last
    assert levels_at(text, np.array([0, place])).tolist() == [Level.CHARACTER, level]


def test_a_sentence_may_begin_with_a_capital_of_any_alphabet():
    for text in ("Kam. Über", "Ушёл. Он", "Left. 12 men"):
        assert levels_at(text, np.array([0, text.index(" ") + 1]))[1] == Level.SENTENCE
