import json
import math
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.app.http import stepwise
from molt.app.http.failures import AmbiguousJsonError
from molt.app.http.stepwise import STEP, parse, parse_stepwise
from molt.encoder.errors import AbandonedError
from molt.encoder.safety.cancellation import Cancellation

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
)
DAMAGE = st.sampled_from(["", ",", "]", "}", '"', "NaN", "1e999", '"\\ud800"', "\x00", "[", ":"])


def parsed(content: bytes) -> object:
    """What orjson reads, or that it refuses."""
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return ValueError
    return json.dumps(value)


def stepped(content: bytes) -> object:
    try:
        return json.dumps(parse_stepwise(content))
    except ValueError:
        return ValueError


@pytest.fixture(autouse=True, params=[32, STEP])
def step(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepwise, "STEP", request.param)


@given(value=VALUES, indent=st.sampled_from([None, 1]), coding=st.sampled_from(["ascii", "utf-8"]))
def test_whatever_is_json_is_read_as_orjson_reads_it(
    value: object, indent: int | None, coding: str
) -> None:
    try:
        content = json.dumps(value, indent=indent, ensure_ascii=coding == "ascii").encode()
    except UnicodeEncodeError:
        return
    assert stepped(content) == parsed(content)


@given(value=VALUES, damage=DAMAGE, place=st.floats(0, 1))
def test_what_orjson_refuses_is_refused(value: object, damage: str, place: float) -> None:
    text = json.dumps(value)
    at = math.floor(place * len(text))
    content = (text[:at] + damage + text[at:]).encode()
    assert stepped(content) == parsed(content)


@pytest.mark.parametrize(
    "content",
    [b"", b" ", b"[", b"{", b"[1,]", b'{"a":1,}', b'{"a"}', b"{1:2}", b"1 2", b"\xff", b"[1 2]",
     b"\xef\xbb\xbf[]", b"-", b"[01]", b"nul", b'"\n"', b"[" * 3000],
)  # fmt: skip
def test_what_is_no_json_is_refused(content: bytes) -> None:
    assert stepped(content) is parsed(content) is ValueError


def test_no_more_than_a_step_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepwise, "STEP", 1000)
    read: list[int] = []
    loads = orjson.loads

    def note(content: str) -> object:
        read.append(len(content))
        return loads(content)

    monkeypatch.setattr(orjson, "loads", note)
    documents = [{"id": str(number), "metadata": {"a": [number] * 50}} for number in range(100)]
    body = {"documents": documents, "deep": {"deeper": {"deepest": list(range(5000))}}}
    assert parse_stepwise(json.dumps(body).encode()) == body
    assert max(read) <= 1000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "'c' twice"),
        (b'[{"a": 1}, {"a": 1, "a": 1}]', "'a' twice"),
        (b'{"a": 9223372036854775808}', "9223372036854775808 has more than 64 bits"),
        (b"[-9223372036854775809]", "-9223372036854775809"),
        (b"123456789012345678901234567890", "more than 64 bits"),
    ],
)
@pytest.mark.parametrize("read", [parse, parse_stepwise])
def test_what_readers_take_differently_is_named(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[bytes], Any], content: bytes, said: str
) -> None:
    for step in (4, 1000):
        monkeypatch.setattr(stepwise, "STEP", step)
        with pytest.raises(AmbiguousJsonError, match=said):
            read(content)


def test_the_greatest_integers_are_taken() -> None:
    content = b'  [9223372036854775807, -9223372036854775808, 1e30, "99999999999999999999"]\n'
    assert parse(content) == parse_stepwise(content) == [2**63 - 1, -(2**63), 1e30, "9" * 20]


def test_what_nobody_waits_for_any_more_is_read_no_further() -> None:
    cancellation = Cancellation()
    content = json.dumps(["x" * 10] * 20_000).encode()
    with cancellation.scope():
        cancellation.cancel()
        with pytest.raises(AbandonedError):
            parse_stepwise(content)
