"""What fails by itself is told from what makes everything fail."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.artifact import CorruptFileError, PanicError
from molt.index.errors import VectorError
from molt.index.generations.sifting import sift
from tests.panics import PanicException


def sound() -> None:
    pass


@given(st.integers(0, 70).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, 69)))))
def test_exactly_the_parts_that_fail_are_named_and_the_others_done_once(
    drawn: tuple[int, set[int]],
) -> None:
    count, bad = drawn
    done: list[int] = []

    def work(places: Sequence[int]) -> None:
        if bad & set(places):
            raise VectorError("not this one")
        done.extend(places)

    failing = sift(count, work, prove=sound)
    assert failing == dict.fromkeys(sorted(bad & set(range(count))), "not this one")
    assert sorted(done) == sorted(set(range(count)) - bad)


def test_one_bad_part_of_a_thousand_costs_no_more_attempts_than_halving() -> None:
    attempts = []

    def work(places: Sequence[int]) -> None:
        attempts.append(len(places))
        if 700 in places:
            raise ValueError

    assert list(sift(1024, work, prove=sound)) == [700]
    assert len(attempts) == 1 + 2 * 10 + 1


def test_a_panic_is_a_parts_fault_like_any_other() -> None:
    def work(places: Sequence[int]) -> None:
        if 1 in places:
            raise PanicException("of a text")

    assert "panicked" in sift(3, work, prove=sound)[1]


def test_a_reason_quotes_no_text_and_is_that_of_the_last_attempt() -> None:
    reasons = iter([VectorError("at first"), ValueError("quotes the text")])

    def work(_: Sequence[int]) -> None:
        raise next(reasons)

    assert sift(1, work, prove=sound) == {0: "ValueError, which is unexpected"}


def test_a_part_that_fails_but_once_is_at_no_fault() -> None:
    attempts = 0

    def work(places: Sequence[int]) -> None:
        nonlocal attempts
        attempts += 1
        if attempts <= 2:
            raise ValueError

    assert sift(2, work, prove=sound) == {}


def test_where_nothing_can_be_done_at_all_no_part_is_at_fault() -> None:
    def broken(_: object = None) -> None:
        raise VectorError("the encoder was closed")

    with pytest.raises(VectorError, match="closed"):
        sift(4, broken, prove=broken)


@pytest.mark.parametrize(
    "error", [OSError(28, "disk full"), MemoryError(), CorruptFileError("rows.npy", "is damaged")]
)
def test_the_disk_and_the_machine_are_no_parts_fault(error: Exception) -> None:
    def work(_: Sequence[int]) -> None:
        raise error

    with pytest.raises(type(error)):
        sift(4, work, prove=sound)


def test_an_interruption_passes() -> None:
    def work(_: Sequence[int]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sift(4, work, prove=sound)


def test_a_panic_of_everything_is_raised_as_an_exception() -> None:
    def work(_: object = None) -> None:
        raise PanicException

    with pytest.raises(PanicError):
        sift(1, work, prove=work)
