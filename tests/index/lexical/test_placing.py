"""Where terms stand in a text, whatever has to be done to it before it can be cut."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from molt.index.lexical.analysis import DEFAULT_ANALYSIS, Analyzer, parse_analysis
from molt.index.lexical.placing import placed_terms

ANALYZER = Analyzer(DEFAULT_ANALYSIS)
AWKWARD = "ab c.\u0301\u0300éüßﬁ½㍿ｶﾞﾊﾟ防水靴のブー가ᄀㅏก\u0dcf\U0001d4b3😀¨²\n"


def placed(text: str, analyzer: Analyzer = ANALYZER) -> dict[str, str]:
    """What each term was in the text."""
    return {one.term: text[one.start : one.end] for one in placed_terms(analyzer, text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Running shoes, twice", {"run": "Running", "shoe": "shoes", "twice": "twice"}),
        ("Ünïcode e\u0301tat", {"unicod": "Ünïcode", "etat": "e\u0301tat"}),
        ("a cafe\u0301, new", {"cafe": "cafe\u0301", "new": "new"}),
        ("防水靴 x", {"防水": "防水", "水靴": "水靴", "x": "x"}),
        ("\ufb01ne ½ day", {"fine": "\ufb01ne", "1": "½", "2": "½", "day": "day"}),
        ("ｶﾞﾗｽ", {"ガラ": "ｶﾞﾗ", "ラス": "ﾗｽ"}),
        ("\U0001f600 boots", {"boot": "boots"}),
    ],
)
def test_a_term_stands_where_its_letters_do(text: str, expected: dict[str, str]) -> None:
    assert placed(text) == expected


def test_what_a_compound_is_made_of_stands_where_the_compound_does() -> None:
    german = parse_analysis({"language": "german", "compounds": ["winter", "stiefel"]})
    found = placed("Neue Winterstiefel", Analyzer(german))
    assert found["stiefel"] == "Winterstiefel"


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(alphabet=AWKWARD, max_size=30), st.text(max_size=30)))
@example("ブブブ\u037aก")
@example("\u3131\u314f")
def test_terms_are_those_of_the_index_and_stand_inside_the_text(text: str) -> None:
    found = placed_terms(ANALYZER, text)
    assert [(one.term, one.position) for one in found] == [
        (word.term, word.position) for word in ANALYZER.words(text)
    ]
    assert all(0 <= one.start < one.end <= len(text) for one in found)
