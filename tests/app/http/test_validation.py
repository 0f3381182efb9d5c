from typing import Any, Literal

import pytest
from pydantic import AliasChoices, Field

from molt.app.http.failures import InvalidRequestError
from molt.app.http.validation import MAX_VIOLATIONS, Strict, require, validate
from molt.engine.sections import LimitSettings


class Inner(Strict):
    name: str


class Body(Strict):
    k: int = Field(1, ge=1)
    inner: list[Inner] = Field([])


class Synonyms(Strict):
    name: str = Field("default", validation_alias=AliasChoices("model", "engine"))


class Schemed(Strict):
    needed: str
    k: int = Field(1, ge=1)
    way: Literal["a", "b"] = "a"
    only: Literal["a"] = "a"
    inner: Inner = Inner(name="x")
    both: str | None = None
    anything: Any = None


class Described(Strict):
    needed: str = Field(min_length=1, max_length=8)
    k: int = Field(1, ge=1, lt=10)
    share: float = Field(1.0, gt=0, le=1)
    sure: bool = True
    way: Literal["a", "b"] = "a"
    parts: list[str] = Field(["a"], min_length=1, max_length=2)
    inner: Inner | None = None
    day: str = Field("mon", pattern="^[a-z]+$")


def told(model: type[Strict], value: object) -> list[str]:
    with pytest.raises(InvalidRequestError) as caught:
        validate(model, value)
    return [violation.detail for violation in caught.value.violations]


def places(value: object) -> list[str]:
    with pytest.raises(InvalidRequestError) as caught:
        validate(Body, value)
    return [violation.pointer for violation in caught.value.violations]


def test_each_violation_has_its_place() -> None:
    assert places({"k": 0, "inner": [{"name": "a"}, {}]}) == ["/k", "/inner/1/name"]


@pytest.mark.parametrize("k", ["1", 1.5, True, float("nan")])
def test_nothing_is_converted_silently(k: object) -> None:
    assert places({"k": k}) == ["/k"]


def test_an_unknown_key_is_a_violation_at_its_place() -> None:
    assert places({"q": 1}) == ["/q"]


def test_huge_keys_and_long_lists_of_errors_are_cut() -> None:
    assert len(places({"x" * 10**6: 1})[0]) == 200
    assert len(places({"inner": [{}] * 1000})) == MAX_VIOLATIONS


def test_what_was_sent_is_never_repeated() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        validate(Body, {"k": "a secret"})
    assert "secret" not in repr(vars(caught.value))


def test_a_limit_is_named_where_it_is_exceeded() -> None:
    limits = LimitSettings(max_k=5)
    require(5, limits, "max_k", place=("k",))
    with pytest.raises(InvalidRequestError, match=r"^k: is 6; .* limits\.max_k allows 5$"):
        require(6, limits, "max_k", place=("k",))


def test_a_length_beyond_its_limit_says_of_what_and_in_which_element() -> None:
    limits, place = LimitSettings(max_text_chars=5), ("documents", 1, "text")
    with pytest.raises(InvalidRequestError) as caught:
        require(9, limits, "max_text_chars", place=place, element="d7")
    assert str(caught.value) == (
        'documents.1.text (id "d7"): has 9 characters; the setting limits.max_text_chars allows 5'
    )


def test_null_is_the_same_as_left_out() -> None:
    assert validate(Body, {"k": None, "inner": None}) == Body()
    assert validate(Synonyms, {"model": None, "engine": None}) == Synonyms()


def test_null_is_no_value_of_what_must_be_there_and_hides_no_unknown_name() -> None:
    assert told(Inner, {"name": None}) == ["is missing"]
    assert places({"q": None}) == ["/q"]


def test_a_schema_says_of_what_may_be_left_out_that_it_may_be_null() -> None:
    described = Schemed.model_json_schema()["properties"]
    assert described["needed"] == {"title": "Needed", "type": "string"}
    assert described["k"] == {"default": 1, "minimum": 1, "title": "K", "type": ["integer", "null"]}
    assert described["way"]["enum"] == ["a", "b", None]
    assert described["only"]["enum"] == ["a", None]
    assert described["inner"]["anyOf"] == [{"$ref": "#/$defs/Inner"}, {"type": "null"}]
    assert described["both"]["anyOf"] == [{"type": "string"}, {"type": "null"}]
    assert "type" not in described["anything"]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({}, "is missing"),
        ({"needed": 1}, "must be a string, not a number"),
        ({"needed": ""}, "is empty"),
        ({"needed": "x" * 9}, "has 9 characters; at most 8 are taken"),
        ({"needed": "x", "k": "1"}, "must be a whole number, not a string"),
        ({"needed": "x", "k": 1.5}, "must be a whole number"),
        ({"needed": "x", "k": 0}, "must be at least 1"),
        ({"needed": "x", "k": 10}, "must be less than 10"),
        ({"needed": "x", "share": 2.0}, "must be at most 1.0"),
        ({"needed": "x", "share": 0.0}, "must be more than 0.0"),
        ({"needed": "x", "share": float("inf")}, "must be a finite number"),
        ({"needed": "x", "sure": 1}, "must be true or false, not a number"),
        ({"needed": "x", "way": "c"}, 'must be "a" or "b"'),
        ({"needed": "x", "parts": {}}, "must be a list, not an object"),
        ({"needed": "x", "parts": []}, "is empty"),
        ({"needed": "x", "parts": ["a", "b", "c"]}, "holds 3 elements; at most 2 are taken"),
        ({"needed": "x", "inner": []}, "must be an object, not a list"),
        ({"needed": "x", "day": "7th"}, "must match the pattern ^[a-z]+$"),
        ([], "the body must be a JSON object, not a list"),
        (None, "the body is empty; send a JSON object"),
    ],
)
def test_what_is_wrong_is_said_in_words_that_a_client_knows(value: object, sentence: str) -> None:
    assert told(Described, value) == [sentence]


def test_the_element_of_a_list_is_named_by_its_id() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        validate(Body, {"inner": [{"name": "a", "id": "d7"}]})
    assert str(caught.value) == 'inner.0.id (id "d7"): is not a known name'
