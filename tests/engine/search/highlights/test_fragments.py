"""Which parts of a text are shown, and that nothing in it can pass for a mark."""

from html import unescape

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from molt.engine.search.highlights.fragments import Fragment, chosen, fragment_of
from molt.engine.search.highlights.sentences import pieces
from molt.index.lexical.analysis import DEFAULT_ANALYSIS, Analyzer
from molt.index.lexical.matching import WordMatch, WordMatcher
from molt.index.lexical.syntax import parse_words
from molt.index.passages.cutting import Span

MARKS = {"pre": "<mark>", "post": "</mark>"}
HOSTILE = st.text(alphabet="<>&\"'/=markboots …\n防水靴", max_size=60)
SPANS = [Span(0, 10), Span(10, 20), Span(20, 30)]


def match(start: int, wanted: int) -> WordMatch:
    return WordMatch(start, start + 2, wanted)


def test_all_but_the_marks_is_escaped() -> None:
    text = "a <b>bold</b> & 'boot'"
    found = fragment_of(text, Span(2, len(text)), [WordMatch(5, 9, 0)])
    assert found.written(**MARKS) == (
        "… &lt;b&gt;<mark>bold</mark>&lt;/b&gt; &amp; &#x27;boot&#x27;"
    )


@given(HOSTILE, st.integers(20, 40))
def test_what_is_shown_is_part_of_the_text_once_marks_are_gone(text: str, size: int) -> None:
    matcher = WordMatcher(parse_words("boots mark 防水靴"), analyzer=Analyzer(DEFAULT_ANALYSIS))
    matches = matcher.matches(text)
    for span in pieces(text, 0, len(text), size=size):
        fragment = fragment_of(text, span, matches)
        written = fragment.written(**MARKS)
        bare = written.replace("<mark>", "").replace("</mark>", "")
        assert "<" not in bare
        assert ">" not in bare
        bare = bare.removeprefix("… ") if fragment.follows else bare
        bare = bare.removesuffix(" …") if fragment.goes_on else bare
        assert unescape(bare) == text[span.start : span.end]
        assert written.count("<mark>") == written.count("</mark>") == len(fragment.marks)


def test_text_that_was_left_out_is_told_and_space_is_none() -> None:
    text = " One. Two. "
    assert fragment_of(text, Span(1, 5), []) == Fragment("One.", goes_on=True, start=1)
    assert fragment_of(text, Span(6, 10), []) == Fragment("Two.", follows=True, start=6)
    assert fragment_of(text, Span(1, 10), []) == Fragment("One. Two.", start=1)


def test_the_span_nearest_by_meaning_comes_first() -> None:
    logits = np.float32([0.1, np.nan, 2.0])
    assert chosen(SPANS, [match(1, 0)], logits, most=1) == [SPANS[2]]
    assert chosen(SPANS, [match(1, 0)], logits, most=2) == [SPANS[2], SPANS[0]]


def test_then_those_that_say_what_was_not_said_yet() -> None:
    matches = [match(1, 0), match(11, 0), match(14, 1), match(21, 2)]
    assert chosen(SPANS, matches, None, most=2) == [SPANS[1], SPANS[2]]
    assert chosen(SPANS, matches, None, most=9) == [SPANS[1], SPANS[2], SPANS[0]]


def test_spans_without_any_word_are_not_shown() -> None:
    assert chosen(SPANS, [], None, most=2) == []
    assert chosen(SPANS, [], np.float32([np.nan] * 3), most=2) == []


def test_a_word_that_a_span_cuts_is_none_of_it() -> None:
    assert chosen(SPANS, [match(9, 0)], None, most=2) == []
