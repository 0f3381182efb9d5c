"""Scalars: which JSON values can be filtered on, and as what."""

import pytest

from molt.index.segments.scalar import Scalar, ScalarKind, scalar_of


@pytest.mark.parametrize(
    ("value", "scalar"),
    [
        (True, Scalar(ScalarKind.BOOLEAN, 1.0)),
        (False, Scalar(ScalarKind.BOOLEAN, 0.0)),
        (1, Scalar(ScalarKind.NUMBER, 1.0)),
        (-2.5, Scalar(ScalarKind.NUMBER, -2.5)),
        (-0.0, Scalar(ScalarKind.NUMBER, 0.0)),
        (2**53 + 1, Scalar(ScalarKind.NUMBER, 2.0**53, 1)),
        (2**63 - 1, Scalar(ScalarKind.NUMBER, 2.0**63, -1)),
        (-(2**63), Scalar(ScalarKind.NUMBER, -(2.0**63))),
        ("1", Scalar(ScalarKind.TEXT, "1")),
        ("", Scalar(ScalarKind.TEXT, "")),
        ("größe", Scalar(ScalarKind.TEXT, "größe")),
    ],
)
def test_a_value_has_exactly_one_kind(value, scalar):
    assert scalar_of(value) == scalar


@pytest.mark.parametrize("value", [None, [], {}, float("nan"), float("-inf"), 10**400])
def test_what_cannot_be_compared_is_no_scalar(value):
    assert scalar_of(value) is None


def test_a_lone_surrogate_becomes_a_question_mark():
    assert scalar_of("a\ud800b") == Scalar(ScalarKind.TEXT, "a?b")
