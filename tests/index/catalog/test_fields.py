import math
import sys
from collections.abc import Callable

import pytest

from molt.index.catalog.fields import (
    MAX_METADATA_BYTES,
    MAX_METADATA_DEPTH,
    MAX_TEXT_CHARS,
    check_id,
    check_text,
    decode_metadata,
    encode_metadata,
    is_id,
)
from molt.index.errors import InvalidFieldError


@pytest.mark.parametrize("value", ["a", " ", "a/b?c#d", "ä", "🙂", "x" * 512, "a\u2028b", "\ufffe"])
def test_an_id_may_hold_any_visible_character(value: str) -> None:
    assert check_id(value, field="id") == value
    assert is_id(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "1 to 512 characters, not 0"),
        ("x" * 513, "not 513"),
        ("a\0", r"U\+0000 at 1"),
        ("\n", r"U\+000A"),
        ("\x7f", r"U\+007F"),
        ("\x9f", r"U\+009F"),
        ("ab\ud800", r"U\+D800 at 2"),
        (7, "a string, not a number"),
        (None, "not null"),
        (True, "not a boolean"),
        (b"x", "not a bytes"),
    ],
)
def test_what_is_no_id_is_refused_with_the_reason(value: object, message: str) -> None:
    with pytest.raises(InvalidFieldError, match=message) as caught:
        check_id(value, field="id")
    assert caught.value.field == "id"
    assert not is_id(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("ab\0", "NUL character at 2"),
        ("ä\udfff", "lone surrogate at 1"),
        ("x" * (MAX_TEXT_CHARS + 1), "split a text"),
        ({}, "not an object"),
        ([], "not a list"),
    ],
)
def test_what_is_no_text_is_refused_with_the_reason(value: object, message: str) -> None:
    with pytest.raises(InvalidFieldError, match=message):
        check_text(value, field="text")


def test_an_empty_text_is_a_text() -> None:
    assert check_text("", field="text") == ""


def test_metadata_keeps_the_order_of_its_keys() -> None:
    metadata = {"z": 1, "a": {"y": None, "b": [1.5, True, "ß"]}}
    decoded = decode_metadata(encode_metadata(metadata))
    assert decoded == metadata
    assert list(decoded) == ["z", "a"]
    assert list(decoded["a"]) == ["y", "b"]


def test_integers_and_floats_stay_what_they_are() -> None:
    metadata = {"least": -(2**63), "most": 2**63 - 1, "float": 1.0, "tiny": 5e-324, "zero": -0.0}
    decoded = decode_metadata(encode_metadata(metadata))
    assert [(type(value), value) for value in decoded.values()] == [
        (type(value), value) for value in metadata.values()
    ]
    assert math.copysign(1, decoded["zero"]) == -1


def _nested(depth: int, wrap: Callable[[object], object]) -> object:
    value: object = 1
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"k": inner}])
def test_metadata_is_at_most_so_deep(wrap: Callable[[object], object]) -> None:
    encode_metadata({"k": _nested(MAX_METADATA_DEPTH - 1, wrap)})
    with pytest.raises(InvalidFieldError, match="deeper than 16"):
        encode_metadata({"k": _nested(MAX_METADATA_DEPTH, wrap)})
    with pytest.raises(InvalidFieldError, match="deeper than 16"):
        encode_metadata({"k": _nested(sys.getrecursionlimit() * 2, wrap)})


def test_metadata_is_at_most_so_large() -> None:
    encode_metadata({"k": "x" * (MAX_METADATA_BYTES - 10)})
    with pytest.raises(InvalidFieldError, match="bytes of JSON"):
        encode_metadata({"k": "x" * MAX_METADATA_BYTES})


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "metadata must be a JSON object, not null"),
        ([], "not a list"),
        ({"a": math.nan}, "metadata.a is nan"),
        ({"a": [0, -math.inf]}, r"metadata.a\[1\] is -inf"),
        ({"a": {"b": 2**63}}, "metadata.a.b is an integer beyond 64 bits"),
        ({"a": -(2**63) - 1}, "beyond 64 bits"),
        ({"a": "\0"}, "metadata.a holds a NUL"),
        ({"a\0": 1}, "a key of metadata holds a NUL"),
        ({"a": {"\ud800": 1}}, "a key of metadata.a holds a lone surrogate"),
        ({1: 2}, "a key of metadata must be a string"),
        ({"a": {1, 2}}, "metadata.a holds a set"),
        ({"a": b"x"}, "metadata.a holds a bytes"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(metadata: object, message: str) -> None:
    with pytest.raises(InvalidFieldError, match=message):
        encode_metadata(metadata)
