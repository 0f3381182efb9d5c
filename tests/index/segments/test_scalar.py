"""Scalars: which JSON values can be filtered on, and as what."""

import pytest

from molt.index.segments.scalar import Kind, Scalar, scalar_of


@pytest.mark.parametrize(
    ("value", "scalar"),
    [
        (True, Scalar(Kind.BOOLEAN, 1.0)),
        (False, Scalar(Kind.BOOLEAN, 0.0)),
        (1, Scalar(Kind.NUMBER, 1.0)),
        (-2.5, Scalar(Kind.NUMBER, -2.5)),
        ("1", Scalar(Kind.TEXT, "1")),
        ("", Scalar(Kind.TEXT, "")),
        ("größe", Scalar(Kind.TEXT, "größe")),
    ],
)
def test_a_value_has_exactly_one_kind(value, scalar):
    assert scalar_of(value) == scalar


@pytest.mark.parametrize("value", [None, [], {}, float("nan"), float("-inf"), 10**400])
def test_what_cannot_be_compared_is_no_scalar(value):
    assert scalar_of(value) is None


def test_a_lone_surrogate_becomes_a_question_mark():
    assert scalar_of("a\ud800b") == Scalar(Kind.TEXT, "a?b")
