"""What a thread has of a processor, which only Linux knows of each."""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from molt.artifact import give_way, without_giving_way

T = TypeVar("T")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it of each thread")


def in_a_thread(work: Callable[[], T]) -> T:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


def lowered(own: int) -> int:
    """The niceness of who gives way by 3, which ends at 19."""
    return min(own + 3, 19)


def test_who_gives_way_twice_or_after_who_started_it_gives_way_once() -> None:
    def twice() -> tuple[int, int]:
        give_way(2)
        give_way(3)
        return niceness(), in_a_thread(inherited)

    def inherited() -> int:
        give_way(1)
        return niceness()

    own = niceness()
    assert in_a_thread(twice) == (lowered(own), lowered(own))


def test_where_it_is_not_allowed_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    def giving_way() -> int:
        give_way(3)
        return niceness()

    monkeypatch.setattr(os, "setpriority", forbidden)
    assert in_a_thread(giving_way) == niceness()


def test_what_others_share_gives_no_way_with_who_makes_it() -> None:
    def from_a_nice_one() -> tuple[int, int, int]:
        give_way(3)
        shared = without_giving_way(lambda: (niceness(), in_a_thread(niceness)))
        return niceness(), *shared

    own = niceness()
    assert in_a_thread(from_a_nice_one) == (lowered(own), own, own)
    assert without_giving_way(niceness) == own


def test_what_it_raises_is_raised_by_who_waits() -> None:
    def failing() -> None:
        raise MemoryError("no room")

    def from_a_nice_one() -> None:
        give_way(3)
        without_giving_way(failing)

    with pytest.raises(MemoryError, match="no room"):
        in_a_thread(from_a_nice_one)
