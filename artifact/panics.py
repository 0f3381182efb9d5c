"""Panics: what an extension written in Rust raises where it fails as nobody foresaw.

pyo3 derives its `PanicException` from `BaseException`, so that `except Exception` lets it through:
it would end the thread, or be taken for a request whose client went away.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class PanicError(Exception):
    """An extension in Rust panicked; what it said stands on standard error."""


def is_panic(error: BaseException) -> bool:
    """Is it a panic? Every extension has a class of its own for it, of one name."""
    names = {(kind.__module__, kind.__name__) for kind in type(error).__mro__}
    return ("pyo3_runtime", "PanicException") in names


@contextmanager
def panics_contained(make: Callable[[str], Exception] = PanicError) -> Iterator[None]:
    """Raise what `make` makes of a sentence instead of a panic in the block.

    What the panic said is not repeated: it may quote the text that was read.
    """
    try:
        yield
    except BaseException as error:
        if not is_panic(error):
            raise
        raise make("an extension in Rust panicked; standard error tells where") from None


def reason_of(error: BaseException) -> str:
    """What may be told of an error: the message of ours and the system's, of others the type alone.

    Their messages may quote a text.
    """
    known = isinstance(error, OSError) or type(error).__module__.startswith("molt.")
    if known and not is_panic(error) and str(error):
        return str(error)
    return f"{type(error).__name__}, which is unexpected"
