import pytest
from pydantic import Field

from molt.app.http.failures import InvalidRequestError
from molt.app.http.validation import MAX_VIOLATIONS, Strict, require, validate
from molt.engine.settings import LimitSettings


class Inner(Strict):
    name: str


class Body(Strict):
    k: int = Field(1, ge=1)
    inner: list[Inner] = Field([])


def places(value: object) -> list[str]:
    with pytest.raises(InvalidRequestError) as caught:
        validate(Body, value)
    return [violation.pointer for violation in caught.value.violations]


def test_each_violation_has_its_place() -> None:
    assert places({"k": 0, "inner": [{"name": "a"}, {}]}) == ["/k", "/inner/1/name"]


@pytest.mark.parametrize("k", ["1", 1.5, True, None, float("nan")])
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
    with pytest.raises(InvalidRequestError, match=r"6 is more than the 5 .* limits\.max_k"):
        require(6, limits, "max_k", place=("k",))
