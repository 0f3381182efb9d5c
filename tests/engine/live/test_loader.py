"""What is loaded in turn or at once, and that what hangs keeps no process from ending."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, wait

import pytest

from molt.artifact import PanicError
from molt.engine.live.loader import Loader
from tests.panics import PanicException

SOON = 10.0


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    """What hanging work waits for; the end of the test, if not before."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def loader() -> Iterator[Loader]:
    made = Loader()
    yield made
    made.close(patience=0.0)


def test_what_can_wait_is_done_in_turn_and_what_is_waited_for_at_once(
    loader: Loader, go_on: threading.Event
) -> None:
    done: list[str] = []

    def wait_then_note() -> None:
        go_on.wait()
        done.append("first")

    first = loader.soon("first", wait_then_note)
    second = loader.soon("second", lambda: done.append("second"))
    loader.now("urgent", lambda: done.append("urgent")).result(SOON)
    assert done == ["urgent"]
    go_on.set()
    wait([first, second], SOON)
    assert done == ["urgent", "first", "second"]


def test_many_are_done_at_once_each_in_a_thread_of_its_own(loader: Loader) -> None:
    together = threading.Barrier(20)
    work = [loader.now(f"{n}", lambda: together.wait(SOON) and None) for n in range(20)]
    for one in work:
        one.result(SOON)


def test_what_waits_is_not_asked_for_twice(loader: Loader, go_on: threading.Event) -> None:
    loader.soon("other", lambda: go_on.wait() and None)
    assert loader.soon("one", list) is loader.soon("one", list)
    running = loader.now("one", lambda: go_on.wait() and None)
    assert loader.now("one", list) is running


@pytest.mark.parametrize("error", [ValueError("a text"), SystemExit(1), PanicException("a text")])
def test_what_work_raises_is_told_to_who_waits_and_ends_no_thread(
    loader: Loader, error: BaseException
) -> None:
    def fail() -> None:
        raise error

    assert loader.soon("broken", fail).exception(SOON) is not None
    assert loader.soon("sound", list).result(SOON) is None


def test_a_panic_is_told_as_an_error_like_others(loader: Loader) -> None:
    def panic() -> None:
        raise PanicException("a text")

    assert isinstance(loader.soon("broken", panic).exception(SOON), PanicError)


def test_closing_waits_for_what_is_at_work_but_not_for_what_hangs(go_on: threading.Event) -> None:
    loader, begun = Loader(), threading.Event()

    def hang() -> None:
        begun.set()
        go_on.wait()

    hanging = loader.soon("hangs", hang)
    waiting = loader.soon("waits", list)
    assert begun.wait(SOON)
    loader.close(patience=0.1)
    assert not hanging.done()
    with pytest.raises(CancelledError):
        waiting.result(SOON)
    with pytest.raises(RuntimeError, match="ending"):
        loader.now("late", list)


def test_a_process_whose_loader_hangs_ends() -> None:
    script = """
import threading
from molt.engine.live.loader import Loader
loader = Loader()
for number in range(3):
    loader.now(str(number), threading.Event().wait)
loader.soon("one", threading.Event().wait)
loader.close(patience=0.1)
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=30, check=False).returncode == 0
