"""Analysis: which terms a text becomes, and how an analysis is written."""

import pytest

from molt.index.errors import InvalidFieldError
from molt.index.lexical.analysis import (
    DEFAULT_ANALYSIS,
    LONGEST_TERM,
    WITH_STOP_WORDS,
    Analysis,
    Analyzer,
    parse_analysis,
)


def terms(text, analysis=DEFAULT_ANALYSIS):
    return [word.term for word in Analyzer(analysis).words(text)]


def test_words_are_folded_and_stemmed_and_stop_words_left_out() -> None:
    assert terms("The CAFÉS and running") == ["cafe", "run"]


def test_places_count_the_stop_words_between() -> None:
    words = Analyzer(DEFAULT_ANALYSIS).words("state of the art")
    assert [(word.term, word.position) for word in words] == [("state", 0), ("art", 3)]


@pytest.mark.parametrize("language", sorted(WITH_STOP_WORDS))
def test_every_language_with_stop_words_has_a_stemmer(language: str) -> None:
    assert terms("xylophone", Analysis(language))


def test_a_language_without_stop_words_is_stemmed() -> None:
    assert terms("the", Analysis("romanian")) == ["the"]


def test_without_a_language_words_stay_as_they_are() -> None:
    assert terms("The cats", Analysis(None)) == ["the", "cats"]


def test_stop_words_may_be_named() -> None:
    assert terms("the cats purr", Analysis(stop_words=("purr",))) == ["the", "cat"]
    assert terms("the cats", Analysis(stop_words=())) == ["the", "cat"]


def test_accents_stay_where_they_are_not_folded() -> None:
    assert terms("Café", Analysis(fold=False)) == ["café"]


def test_stop_words_are_known_before_they_are_folded() -> None:
    assert terms("für Größen", Analysis("german")) == ["gross"]


def test_compounds_are_split_into_the_words_that_were_given() -> None:
    analysis = Analysis("german", compounds=("dampf", "schiff"))
    assert terms("Dampfschiff Dampfer", analysis) == ["dampf", "schiff", "dampf"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東京都", ["東京", "京都"]),
        ("猫", ["猫"]),
        ("abc東京def", ["abc", "東京", "def"]),
        ("ภาษา", ["ภา", "าษ", "ษา"]),
        ("مرحبا", ["مرحبا"]),
        ("cafe\u0301", ["cafe"]),
        ("\uff21\uff22\uff23", ["abc"]),
        ("😀", []),
    ],
)
def test_other_scripts_become_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_what_is_too_long_for_a_word_is_left_out() -> None:
    assert terms("x" * LONGEST_TERM) == ["x" * LONGEST_TERM]
    assert terms("x" * (LONGEST_TERM + 1)) == []


def test_an_analysis_is_written_and_read_again() -> None:
    analysis = Analysis("german", ("der", "die"), False, ("dampf",), {"title": 2.0, "brand": 1.0})  # noqa: FBT003
    assert parse_analysis(analysis.describe()) == analysis
    assert parse_analysis({}) == DEFAULT_ANALYSIS


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"language": "klingon"}, "analysis.language"),
        ({"language": ["english"]}, "analysis.language"),
        ({"fold": 1}, "analysis.fold"),
        ({"stop_words": "the"}, "analysis.stop_words"),
        ({"compounds": [1]}, "analysis.compounds"),
        ({"weights": []}, "analysis.weights"),
        ({"weights": {"title": -1}}, "analysis.weights.title"),
        ({"weights": {"title": True}}, "analysis.weights.title"),
        ({"weights": {f"f{n}": 1 for n in range(17)}}, "analysis.weights"),
        ({"stemming": True}, "analysis.stemming"),
    ],
)
def test_what_is_no_analysis_is_refused_by_its_name(value: dict, field: str) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        parse_analysis(value)
    assert refused.value.field == field
