"""What the words of a query are worth: by themselves, and in each field."""

import pytest

from molt.index.lexical.analysis import Analysis
from molt.index.lexical.function_words import FUNCTION_WEIGHT
from molt.index.lexical.lexical_index import LexicalIndex
from tests.index.lexical.words import WordHome, worded

LAMPS = (
    worded("asks", "what is this thing about"),
    worded("lamp", "a lamp of glass"),
    worded("lamps", "some lamp of wood", "Table lamps"),
    worded("shade", "for every lamp a shade", "Shades", maker="lamp works"),
)


@pytest.fixture
def lamps(word_home: WordHome) -> LexicalIndex:
    return word_home.index(*LAMPS, analysis=Analysis(weights={"maker": 0.0}))


def top(index: LexicalIndex, query: str, **weights: float) -> tuple[int, float]:
    """The best document, which is known by its place, and its score."""
    hits = index.search(index.plan(query, weights=weights), k=1)
    return int(hits.ordinals[0]), float(hits.scores[0])


def test_a_word_that_says_little_finds_less_than_one_that_is_meant(lamps: LexicalIndex) -> None:
    assert LAMPS[top(lamps, "what lamp")[0]].id != "asks"
    assert LAMPS[top(lamps, "thing lamp")[0]].id == "asks"


def test_it_is_worth_a_part_of_another_word_and_so_is_the_most_it_could_have(
    lamps: LexicalIndex,
) -> None:
    _, what = top(lamps, "what")
    _, thing = top(lamps, "thing")
    assert what == pytest.approx(FUNCTION_WEIGHT * thing)
    ceilings = [lamps.plan(query).ceiling for query in ("what", "thing", "what thing")]
    assert ceilings[0] == pytest.approx(FUNCTION_WEIGHT * ceilings[1])
    assert ceilings[2] == pytest.approx(ceilings[0] + ceilings[1])


@pytest.mark.parametrize("query", ["+what", '"what"', '"what is this"'])
def test_it_counts_as_any_other_where_a_sign_or_quotes_ask_for_it(
    lamps: LexicalIndex, query: str
) -> None:
    assert top(lamps, query)[1] >= top(lamps, "thing")[1]


@pytest.mark.parametrize("analysis", [Analysis(language=None), Analysis(stop_words=())])
def test_it_counts_as_any_other_where_nobody_speaks_english_or_all_words_are_to_count(
    word_home: WordHome, analysis: Analysis
) -> None:
    index = word_home.index(*LAMPS, analysis=analysis)
    assert top(index, "what")[1] == pytest.approx(top(index, "thing")[1])


def test_a_search_may_weigh_fields_otherwise_than_its_index(lamps: LexicalIndex) -> None:
    assert LAMPS[top(lamps, "lamp")[0]].id == "lamps"
    assert LAMPS[top(lamps, "lamp", maker=5.0)[0]].id == "shade"
    assert LAMPS[top(lamps, "lamp", title=50.0, maker=5.0)[0]].id == "lamps"


def test_fields_that_weigh_more_raise_what_a_document_could_have(lamps: LexicalIndex) -> None:
    ceilings = [
        lamps.plan("lamps", weights=weights).ceiling
        for weights in ({}, {"title": 1.0}, {"title": 3.0})
    ]
    assert ceilings[2] - ceilings[0] == pytest.approx(3 * (ceilings[1] - ceilings[0]))
    assert ceilings[1] > ceilings[0]


def test_a_field_that_has_a_word_nowhere_adds_nothing_to_what_a_document_could_have(
    lamps: LexicalIndex,
) -> None:
    plain, titled = (lamps.plan("glass", weights=one).ceiling for one in ({}, {"title": 3.0}))
    assert titled == plain
    unknown = [lamps.plan("xyzzy", weights=one).ceiling for one in ({}, {"title": 3.0})]
    assert unknown[1] == pytest.approx(4 * unknown[0])


def test_a_weight_of_a_field_that_is_not_there_says_nothing(lamps: LexicalIndex) -> None:
    assert top(lamps, "lamp", colour=9.0) == top(lamps, "lamp")


def test_a_weight_of_nothing_takes_that_of_the_analysis_away(word_home: WordHome) -> None:
    heavy = word_home.index(*LAMPS, analysis=Analysis(weights={"maker": 9.0}))
    assert LAMPS[top(heavy, "lamp")[0]].id == "shade"
    assert LAMPS[top(heavy, "lamp", maker=0.0)[0]].id != "shade"
