import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from molt.encoder import Lane
from molt.encoder.errors import AbandonedError
from molt.encoder.safety.cancellation import Cancellation, current
from molt.encoder.scheduling.scheduler import Scheduler


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    made = Scheduler(1)
    yield made
    made.close()


def test_outside_of_any_scope_nothing_is_given_up() -> None:
    current().check()


def test_a_scope_that_was_cancelled_is_not_entered() -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(AbandonedError), cancellation.scope():
        raise AssertionError


def test_what_has_not_begun_of_a_call_is_dropped_when_nobody_waits(scheduler: Scheduler) -> None:
    cancellation, begun, gate = Cancellation(), threading.Event(), threading.Event()
    done: list[int] = []

    def hold() -> None:
        begun.set()
        assert gate.wait(10)

    def call() -> None:
        with cancellation.scope():
            work = [hold, *(lambda number=n: done.append(number) for n in range(100))]
            scheduler.run(work, lane=Lane.INTERACTIVE)

    with ThreadPoolExecutor(1) as callers:
        calling = callers.submit(call)
        assert begun.wait(10)
        cancellation.cancel()
        gate.set()
        with pytest.raises(AbandonedError):
            calling.result(10)
    assert done == []


def test_nobody_waits_for_what_has_begun_once_nobody_wants_it(scheduler: Scheduler) -> None:
    cancellation, begun, gate = Cancellation(), threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        assert gate.wait(10)

    def call() -> None:
        with cancellation.scope():
            scheduler.run([hang, hang], lane=Lane.BACKGROUND)

    with ThreadPoolExecutor(1) as callers:
        calling = callers.submit(call)
        assert begun.wait(10)
        cancellation.cancel()
        try:
            with pytest.raises(AbandonedError):
                calling.result(5)
        finally:
            gate.set()
    assert scheduler.run([lambda: "done"], lane=Lane.BACKGROUND) == ["done"]
    assert scheduler.deaths == 0


def test_other_calls_go_on_when_one_is_given_up(scheduler: Scheduler) -> None:
    cancellation, begun, gate = Cancellation(), threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert gate.wait(10)

    def given_up() -> None:
        with cancellation.scope():
            scheduler.run([lambda: None] * 3, lane=Lane.INTERACTIVE)

    with ThreadPoolExecutor(3) as callers:
        holding = callers.submit(scheduler.run, [hold, hold], lane=Lane.INTERACTIVE)
        assert begun.wait(10)
        giving_up = callers.submit(given_up)
        other = callers.submit(scheduler.run, [lambda: "done"] * 2, lane=Lane.INTERACTIVE)
        cancellation.cancel()
        gate.set()
        with pytest.raises(AbandonedError):
            giving_up.result(10)
        assert other.result(10) == ["done", "done"]
        holding.result(10)


def test_whoever_asks_to_be_told_too_late_is_told_at_once() -> None:
    cancellation, told = Cancellation(), threading.Event()
    cancellation.cancel()
    with cancellation.telling(told.set):
        assert told.is_set()
