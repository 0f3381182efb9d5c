from typing import Annotated, Any

import pytest
from annotated_types import Ge, Gt, Le, Lt
from pydantic import TypeAdapter, ValidationError

from molt.artifact.wording import plainly


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (int, "x", "must be a whole number"),
        (int, 1.5, "must be a whole number"),
        (float, "x", "must be a number"),
        (bool, "x", "must be true or false"),
        (str, 1, "must be a text"),
        (list[str], 1, "must be a list"),
        (tuple[str, ...], 1, "must be a list"),
        (dict[str, int], 1, "must be a section of keys"),
        (Annotated[int, Ge(1)], 0, "must be at least 1"),
        (Annotated[int, Le(1)], 2, "must be at most 1"),
        (Annotated[int, Gt(1)], 1, "must be more than 1"),
        (Annotated[int, Lt(1)], 1, "must be less than 1"),
    ],
)
def test_no_word_of_pydantic_is_left(kind: Any, value: object, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    assert plainly(caught.value.errors()[0]["msg"]) == said


def test_what_molt_says_itself_is_told_without_the_name_of_an_exception() -> None:
    assert plainly("Value error, set objective.teacher") == "set objective.teacher"
    assert plainly("holds a line break") == "holds a line break"
