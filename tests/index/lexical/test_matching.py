"""What of a text a query asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.index.lexical import analysis, matching
from molt.index.lexical.analysis import DEFAULT_ANALYSIS, Analyzer
from molt.index.lexical.matching import WordMatcher, covered_spans
from molt.index.lexical.syntax import parse_words
from tests.index.lexical.words import WordHome, worded

ANALYZER = Analyzer(DEFAULT_ANALYSIS)


def matcher(query: str, **more) -> WordMatcher:
    asked = parse_words(query, fields={"title", "brand"})
    return WordMatcher(asked, analyzer=ANALYZER, **more)


def marked(query: str, text: str, **more) -> list[str]:
    return [text[start:end] for start, end in covered_spans(matcher(query, **more).matches(text))]


def test_words_match_in_whatever_form_they_have() -> None:
    assert marked("hiking boot", "Boots to hike in, Höots") == ["Boots", "hike"]


def test_what_is_excluded_is_not_asked_for() -> None:
    assert marked("warm -boots", "warm boots") == ["warm"]
    assert matcher("-boots").is_vain


def test_words_that_say_nothing_are_not_marked() -> None:
    assert marked("the boots of the", "the boots of") == ["boots"]


def test_a_phrase_matches_as_a_whole_and_only_there() -> None:
    text = "winter boots, boots for winter, Winter\nboots"
    assert marked('"winter boots"', text) == ["winter boots", "Winter\nboots"]
    assert marked('"bread of butter"', "bread and butter, bread butter") == ["bread and butter"]


def test_a_phrase_of_one_word_is_a_word() -> None:
    assert marked('+"boots"', "two boots") == ["boots"]


def test_a_field_is_marked_by_what_is_asked_of_it_and_of_all() -> None:
    query = "title:boots brand:acme warm"
    text = "warm acme boots"
    assert marked(query, text) == ["warm"]
    assert marked(query, text, field="title") == ["warm", "boots"]


def test_pairs_of_characters_that_overlap_are_one_mark() -> None:
    assert marked("防水靴", "この防水靴は") == ["防水靴"]


def test_a_misspelt_word_matches_what_the_index_takes_it_for(word_home: WordHome) -> None:
    index = word_home.index(worded("a", "waterproof boots"), worded("b", "waterbed"))
    misspelt = index.plan("waterprof").misspelt
    assert word_home.found(index, "waterprof") == ["a"]
    assert marked("waterprof", "waterproof waterbed", misspelt=misspelt) == ["waterproof"]
    assert marked("waterprof", "waterproof") == []


@given(
    st.text("aB éß\u2019\u2014-_.1 running Shoes the", max_size=40) | st.text(max_size=20),
    st.sampled_from(["run shoes", "the b 1", "é shoe s", "running"]),
)
def test_a_plain_text_matches_as_one_that_has_to_be_placed(text: str, query: str) -> None:
    found = matcher(query).matches(text)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(matching, "is_plain", lambda analyzer, text: False)
        assert matcher(query).matches(text) == found


def test_what_is_known_of_words_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analysis, "_MOST_KNOWN", 3)
    own = Analyzer(DEFAULT_ANALYSIS)
    words = ["boots", "the", "hiking", "tents", "w" * 300]
    assert [own.term(word) for word in words] == ["boot", None, "hike", "tent", None]
    assert len(own._terms) <= 3


def test_numbers_are_never_taken_for_others() -> None:
    assert marked("a1234", "a1235", misspelt=["a1234"]) == []


def test_each_word_of_a_query_has_a_number_of_its_own() -> None:
    found = matcher('warm boots "winter coat" warm').matches("winter coat, boots, warm, warm")
    assert [one.wanted for one in found] == [2, 1, 0, 0]
