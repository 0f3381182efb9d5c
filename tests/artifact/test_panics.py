"""What Rust panics with is told from what else ends a block, and is not repeated."""

import asyncio

import polars as pl
import pytest

from molt.artifact import CorruptFileError, PanicError, is_panic, panics_contained, reason_of
from tests.panics import PanicException


def test_a_panic_becomes_an_exception_that_does_not_repeat_it() -> None:
    with pytest.raises(PanicError) as caught, panics_contained():
        raise PanicException("byte 3 is inside 'é' of 'a secret text'")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_panic_becomes_what_its_caller_makes_of_it() -> None:
    with pytest.raises(ValueError, match="panicked"), panics_contained(ValueError):
        raise PanicException


def test_the_class_that_extensions_panic_with_is_known() -> None:
    assert issubclass(pl.exceptions.PanicException, BaseException)
    assert is_panic(pl.exceptions.PanicException("whatever"))


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SystemExit(3), asyncio.CancelledError(), KeyError("a")]
)
def test_whatever_is_no_panic_passes(error: BaseException) -> None:
    assert not is_panic(error)
    with pytest.raises(type(error)) as caught, panics_contained():
        raise error
    assert caught.value is error


def test_what_others_say_is_not_repeated_and_what_we_and_the_system_say_is(tmp_path) -> None:
    assert "secret" not in reason_of(ValueError("a secret text"))
    assert "secret" not in reason_of(PanicException("a secret text"))
    assert "ValueError" in reason_of(ValueError("a secret text"))
    assert reason_of(CorruptFileError(tmp_path, "is damaged")) == f"{tmp_path}: is damaged"
    assert "No space left" in reason_of(OSError(28, "No space left on device"))
