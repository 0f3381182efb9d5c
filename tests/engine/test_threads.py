"""A thread that dies is started again after a rest that grows, and says what it died of."""

import os
import threading
from types import SimpleNamespace

import pytest

from molt.engine import threads
from molt.engine.threads import LastingThread
from molt.index.errors import CatalogError
from tests.panics import PanicException


class Rests(threading.Event):
    """Time that passes when somebody rests; `set` after so many rests, none of which it takes."""

    def __init__(self, many: int) -> None:
        super().__init__()
        self.taken: list[float] = []
        self.now = 0.0
        self._many = many

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.taken.append(timeout)
        self.now += timeout
        if len(self.taken) == self._many:
            self.set()
        return self.is_set()


def died(error: BaseException, *, times: int, monkeypatch, lived: float = 0.0) -> list[float]:
    """The rests of a thread whose work raises `error` after it `lived` so long."""
    stopping = Rests(times)
    monkeypatch.setattr(threads, "time", SimpleNamespace(monotonic=lambda: stopping.now))

    def work() -> None:
        stopping.now += lived
        raise error

    thread = LastingThread("sealing", work, stopping=stopping)
    thread.start()
    thread.join()
    assert thread.deaths == times
    return stopping.taken


@pytest.mark.parametrize("error", [PanicException("a text"), SystemExit(1), ValueError("a text")])
def test_whatever_ends_it_it_is_started_again_at_growing_intervals(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert died(error, times=6, monkeypatch=monkeypatch) == [1, 2, 4, 8, 10, 10]


def test_one_that_lived_for_a_while_is_started_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    assert died(ValueError(), times=3, monkeypatch=monkeypatch, lived=100.0) == [1, 1, 1]


def test_what_it_died_of_is_told_once_in_full_and_never_quotes_a_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[dict[str, object]] = []

    def note(event: str, **facts: object) -> None:
        told.append({"event": event} | facts)

    monkeypatch.setattr(threads, "log", SimpleNamespace(error=note))
    died(PanicException("a secret text"), times=3, monkeypatch=monkeypatch)
    assert [one["event"] for one in told] == ["thread.died"] * 3
    assert "secret" not in str(told)


def test_it_goes_on_although_its_death_cannot_be_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(threads, "log", SimpleNamespace(error=fail))
    assert died(ValueError(), times=3, monkeypatch=monkeypatch) == [1, 2, 4]


def test_its_problem_is_named_until_it_has_lived_as_long_as_it_rested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, broken, running = 0.0, True, threading.Event()
    monkeypatch.setattr(threads, "time", SimpleNamespace(monotonic=lambda: now))
    stopping, resting = threading.Event(), threading.Event()

    def work() -> None:
        if broken:
            raise CatalogError("the catalog is damaged")
        running.set()
        stopping.wait()

    wait = stopping.wait
    monkeypatch.setattr(
        stopping, "wait", lambda seconds=None: (resting.wait if seconds else wait)()
    )
    thread = LastingThread("sealing", work, stopping=stopping)
    assert thread.problem is None
    thread.start()
    while thread.problem is None:
        pass
    assert "'sealing'" in thread.problem
    assert "the catalog is damaged" in thread.problem
    broken = False
    resting.set()
    assert running.wait(30)
    now = 1.5
    assert thread.problem is not None
    now = 2.0
    assert thread.problem is None
    stopping.set()
    thread.join()


def test_one_whose_work_ends_too_early_has_died(monkeypatch: pytest.MonkeyPatch) -> None:
    stopping = Rests(2)
    monkeypatch.setattr(threads, "time", SimpleNamespace(monotonic=lambda: stopping.now))
    thread = LastingThread("watcher", lambda: None, stopping=stopping)
    thread.start()
    thread.join()
    assert thread.deaths == 2


def test_it_gives_way_by_its_niceness_and_the_process_does_not() -> None:
    seen: list[int] = []
    own = os.getpriority(os.PRIO_PROCESS, 0)
    stopping = threading.Event()

    def work() -> None:
        seen.append(os.getpriority(os.PRIO_PROCESS, 0))
        stopping.wait(60)

    lasting = LastingThread("gives way", work, stopping=stopping, niceness=5)
    lasting.start()
    while not seen:
        assert lasting.problem is None
    stopping.set()
    assert lasting.join()
    assert seen == [min(own + 5, 19)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
