"""The syntax of a query: what is read as what, and that nothing fails."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.index.lexical.syntax import MOST_CLAUSES, Clause, Occur, parse_words

FIELDS = frozenset({"title", "brand", "specs.color"})


def clauses(text):
    return parse_words(text, fields=FIELDS).clauses


def words(*texts):
    return tuple(Clause(text) for text in texts)


def test_words_are_looked_for_one_by_one() -> None:
    assert clauses("  warm waterproof\tboots ") == words("warm", "waterproof", "boots")


@pytest.mark.parametrize("text", ['"new york"', "\u201cnew york\u201d", "\u00abnew york\u00bb"])
def test_quotes_of_any_kind_make_a_phrase(text: str) -> None:
    assert clauses(text) == (Clause("new york", phrase=True),)


def test_signs_require_and_exclude() -> None:
    assert clauses('+boots -"old ones"') == (
        Clause("boots", Occur.MUST),
        Clause("old ones", Occur.MUST_NOT, phrase=True),
    )


@pytest.mark.parametrize("field", ["title", "specs.color"])
def test_a_field_that_documents_have_narrows_a_word(field: str) -> None:
    assert clauses(f"-{field}:red") == (Clause("red", Occur.MUST_NOT, field),)


@pytest.mark.parametrize("text", ["http://host/a:b", "colour:red", "note:this"])
def test_a_field_that_no_document_has_is_a_word(text: str) -> None:
    assert clauses(text) == words(text)


@pytest.mark.parametrize("text", ["wi-fi", "--amend", "c++", "-", "+", "+-x", "a-", "x+y"])
def test_a_sign_that_is_no_operator_belongs_to_its_word(text: str) -> None:
    assert clauses(text) == words(text)


def test_a_quote_that_is_never_closed_is_left_out() -> None:
    assert clauses('19" monitor "flat') == (
        Clause("19"),
        Clause(" monitor ", phrase=True),
        Clause("flat"),
    )


def test_what_stands_behind_very_many_words_is_not_read() -> None:
    wanted = parse_words("word " * 4_000)
    assert wanted.truncated
    assert len(wanted.clauses) == MOST_CLAUSES


def test_the_text_of_a_query_is_what_it_looks_for() -> None:
    wanted = parse_words('+warm title:boots "for snow" -used', fields=FIELDS)
    assert wanted.text == "warm boots for snow"
    assert not wanted.is_plain
    assert parse_words("warm boots").is_plain


@given(st.text(max_size=200) | st.text(alphabet='+-":( a\u201c~*^[]{}\\', max_size=200))
def test_every_text_is_read_and_no_letter_of_it_is_lost(text: str) -> None:
    read = "".join(f"{one.field or ''}{one.text}" for one in clauses(text))
    assert [one for one in read if one.isalnum()] == [one for one in text if one.isalnum()]
