"""Waiting for what others do: the one place where tests let time pass."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

_Found = TypeVar("_Found")
_LOOK_SECONDS = 0.005


def wait_until(holds: Callable[[], _Found], *, seconds: float = 90.0) -> _Found:
    """What a condition gives as soon as it holds; fails where that takes too long."""
    never = threading.Event()
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, f"it does not hold after {seconds:g} s"
        never.wait(_LOOK_SECONDS)
    return found
