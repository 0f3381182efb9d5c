import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest

from molt.encoder import ClosedEncoderError, Lane
from molt.encoder.errors import AbandonedError
from molt.encoder.safety.cancellation import Cancellation
from molt.encoder.scheduling import scheduler as module
from molt.encoder.scheduling.scheduler import Scheduler
from tests.waiting import wait_until


class Desk:
    """One place held fast by a first unit, so that what queues up meanwhile is known exactly."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scheduler = Scheduler(1)
        self.done: list[str] = []
        self._callers = ThreadPoolExecutor(64)
        self._queued = threading.Semaphore(0)
        self._held = threading.Event()
        self._gate = threading.Event()
        monkeypatch.setattr(module, "wait", self._announce)
        self.holder = self._callers.submit(self.scheduler.run, [self._hold], lane=Lane.QUERY)
        self._held.wait()

    def queue(self, lane: Lane, *names: str) -> "Future[list[object]]":
        """A call whose units note their names; returns once they are all in the queue."""
        return self.submit(lane, *(lambda name=name: self.done.append(name) for name in names))

    def submit(self, lane: Lane, *work: Callable[[], object]) -> "Future[list[object]]":
        call = self._callers.submit(self.scheduler.run, list(work), lane=lane)
        self._queued.acquire()
        return call

    def release(self) -> None:
        self._gate.set()

    def finish(self) -> None:
        self.release()
        self.scheduler.close()
        self._callers.shutdown()

    def _hold(self) -> None:
        self._held.set()
        self._gate.wait()

    def _announce(self, units: list["Future[None]"], return_when: str) -> None:
        self._queued.release()
        futures.wait(units, return_when=return_when)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(monkeypatch)
    yield made
    made.finish()


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    made = Scheduler(2)
    yield made
    made.close()


def fail() -> None:
    raise ValueError("the graph broke")


def test_results_come_in_the_order_of_the_work(scheduler: Scheduler) -> None:
    work = [lambda number=number: number * number for number in range(50)]
    assert scheduler.run(work, lane=Lane.BACKGROUND) == [n * n for n in range(50)]


def test_no_work_is_done_at_once(scheduler: Scheduler) -> None:
    assert scheduler.run([], lane=Lane.QUERY) == []


def test_all_threads_work_at_once() -> None:
    scheduler = Scheduler(3)
    together = threading.Barrier(3)
    assert sorted(scheduler.run([together.wait] * 3, lane=Lane.QUERY)) == [0, 1, 2]
    scheduler.close()


def test_a_lone_unit_is_done_by_its_caller_where_a_place_is_free(scheduler: Scheduler) -> None:
    assert scheduler.run([threading.get_ident], lane=Lane.QUERY) == [threading.get_ident()]


def test_callers_that_do_their_own_units_never_exceed_the_places() -> None:
    scheduler = Scheduler(2)
    lock, busy, most = threading.Lock(), 0, 0

    def work() -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.001)
        with lock:
            busy -= 1

    def call(size: int) -> None:
        for _ in range(20):
            scheduler.run([work] * size, lane=Lane.QUERY)

    with ThreadPoolExecutor(8) as callers:
        list(callers.map(call, [1, 1, 1, 1, 2, 2, 3, 5]))
    scheduler.close()
    assert (most, busy) == (2, 0)


def test_a_query_overtakes_all_that_waits_in_the_other_lanes(desk: Desk) -> None:
    calls = [
        desk.queue(Lane.BACKGROUND, "b"),
        desk.queue(Lane.INTERACTIVE, "i"),
        desk.queue(Lane.QUERY, "q"),
    ]
    desk.release()
    futures.wait(calls)
    assert desk.done == ["q", "i", "b"]


def test_a_query_waits_for_one_unit_of_a_long_background_call_at_most(desk: Desk) -> None:
    ask = threading.Event()
    asked = threading.Event()

    def first() -> None:
        ask.set()
        asked.wait()

    background = desk.submit(
        Lane.BACKGROUND, first, *(lambda: desk.done.append("b") for _ in range(5))
    )
    desk.release()
    ask.wait()
    query = desk.queue(Lane.QUERY, "q")
    asked.set()
    futures.wait([background, query])
    assert desk.done == ["q", *"bbbbb"]


def test_the_background_gets_every_eighth_pick_under_constant_queries(desk: Desk) -> None:
    calls = [desk.queue(Lane.QUERY, *"q" * 32), desk.queue(Lane.BACKGROUND, *"b" * 8)]
    desk.release()
    futures.wait(calls)
    first = desk.done[:32]
    assert [at for at, name in enumerate(first) if name == "b"] == [7, 15, 23, 31]


def test_interactive_work_gets_every_eighth_pick_under_constant_queries(desk: Desk) -> None:
    calls = [desk.queue(Lane.QUERY, *"q" * 32), desk.queue(Lane.INTERACTIVE, *"i" * 8)]
    desk.release()
    futures.wait(calls)
    first = desk.done[:16]
    assert [at for at, name in enumerate(first) if name == "i"] == [3, 7, 11, 15]


def test_calls_of_one_lane_take_turns(desk: Desk) -> None:
    calls = [desk.queue(Lane.BACKGROUND, *"aaa"), desk.queue(Lane.BACKGROUND, *"bbb")]
    desk.release()
    futures.wait(calls)
    assert "".join(desk.done) == "ababab"


def test_what_a_unit_raises_reaches_its_caller_and_kills_no_thread(scheduler: Scheduler) -> None:
    for _ in range(10):
        with pytest.raises(ValueError, match="the graph broke"):
            scheduler.run([fail], lane=Lane.QUERY)
    together = threading.Barrier(2)
    assert len(scheduler.run([together.wait] * 2, lane=Lane.QUERY)) == 2


def test_even_an_exit_in_a_unit_is_its_callers_alone(scheduler: Scheduler) -> None:
    with pytest.raises(SystemExit):
        scheduler.run([lambda: exec("raise SystemExit")], lane=Lane.QUERY)
    together = threading.Barrier(2)
    assert len(scheduler.run([together.wait] * 2, lane=Lane.QUERY)) == 2


def test_the_units_after_a_failing_one_are_dropped(desk: Desk) -> None:
    raised = threading.Event()
    failing = desk.submit(Lane.QUERY, fail, raised.wait, lambda: desk.done.append("dropped"))
    desk.release()
    with pytest.raises(ValueError, match="the graph broke"):
        failing.result()
    raised.set()
    futures.wait([desk.queue(Lane.BACKGROUND, *["after"] * 2)])
    assert desk.done == ["after"] * 2


def test_a_failing_call_leaves_the_others_alone(desk: Desk) -> None:
    failing = desk.submit(Lane.QUERY, fail)
    sound = desk.queue(Lane.QUERY, "sound")
    desk.release()
    assert isinstance(failing.exception(), ValueError)
    assert sound.exception() is None
    assert desk.done == ["sound"]


def test_closing_ends_the_callers_that_wait_and_lets_what_has_begun_finish(desk: Desk) -> None:
    waiting = [desk.queue(lane, "late") for lane in Lane]
    closing = threading.Thread(target=desk.scheduler.close)
    closing.start()
    for call in waiting:
        assert isinstance(call.exception(), ClosedEncoderError)
    assert not desk.holder.done()
    desk.release()
    closing.join()
    assert desk.holder.result() == [None]
    assert desk.done == []


def test_a_closed_scheduler_takes_no_work_and_may_be_closed_again() -> None:
    scheduler = Scheduler(1)
    scheduler.close()
    scheduler.close()
    with pytest.raises(ClosedEncoderError, match="open another one"):
        scheduler.run([lambda: None], lane=Lane.QUERY)


def test_no_thread_outlives_its_scheduler() -> None:
    scheduler = Scheduler(3)
    threads = list(scheduler._threads)
    assert all(thread.is_alive() for thread in threads)
    scheduler.close()
    assert not any(thread.is_alive() for thread in threads)


def test_a_place_is_kept_for_queries_while_they_come(scheduler: Scheduler) -> None:
    gate, begun = threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        begun.release()
        gate.wait()

    scheduler.run([lambda: None], lane=Lane.QUERY)
    with ThreadPoolExecutor(2) as callers:
        try:
            waiting = callers.submit(scheduler.run, [hold] * 4, lane=Lane.BACKGROUND)
            assert begun.acquire(timeout=10)
            query = callers.submit(scheduler.run, [lambda: "found"], lane=Lane.QUERY)
            assert query.result(timeout=10) == ["found"]
        finally:
            gate.set()
        waiting.result(timeout=10)


@pytest.mark.parametrize("lane", [Lane.INTERACTIVE, Lane.BACKGROUND])
def test_every_place_is_for_everybody_when_no_query_came_for_a_while(
    scheduler: Scheduler, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_SECONDS", 0.1)
    scheduler.run([lambda: None], lane=Lane.QUERY)
    together = threading.Barrier(2, timeout=10)
    scheduler.run([together.wait, together.wait], lane=lane)


def test_a_thread_that_would_die_goes_on_and_what_it_died_of_is_told(
    scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    pick, errors = Scheduler._pick, [MemoryError("a text"), SystemExit(1)]

    def breaking(self: Scheduler, lane: Lane) -> object:
        if errors:
            raise errors.pop(0)
        return pick(self, lane)

    monkeypatch.setattr(Scheduler, "_pick", breaking)
    assert scheduler.problem is None
    assert scheduler.run([lambda: 1, lambda: 2], lane=Lane.BACKGROUND) == [1, 2]
    assert scheduler.deaths == 2
    assert "died 2 times" in str(scheduler.problem)
    assert "a text" not in str(scheduler.problem)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a niceness of each thread")
def test_the_background_gives_way_to_who_waits_for_an_answer(scheduler: Scheduler) -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, 0)

    own = niceness()
    for lane in Lane:
        found = scheduler.run([niceness] * 2, lane=lane)
        assert found == [min(own + 5 * (lane is Lane.BACKGROUND), 19)] * 2


def waiting_units(scheduler: Scheduler) -> int:
    with scheduler._left:
        return sum(len(call) for calls in scheduler._calls.values() for call in calls)


def test_what_is_left_of_other_lanes_goes_on_when_a_call_is_dropped(
    scheduler: Scheduler,
) -> None:
    cancellation, done = Cancellation(), list[object]()
    begun, place, gate = threading.Semaphore(0), threading.Event(), threading.Event()

    def hold(until: threading.Event) -> None:
        begun.release()
        assert until.wait(30)

    def dropped(lane: Lane) -> None:
        rest = [partial(done.append, "dropped")] * 9
        with cancellation.scope():
            scheduler.run([partial(hold, gate), *rest], lane=lane)

    with ThreadPoolExecutor(8) as callers:
        try:
            callers.submit(scheduler.run, [partial(hold, place)], lane=Lane.INTERACTIVE)
            assert begun.acquire(timeout=30)
            given_up = [callers.submit(dropped, Lane.BACKGROUND)]
            assert begun.acquire(timeout=30)
            given_up.append(callers.submit(dropped, Lane.INTERACTIVE))
            wait_until(lambda: waiting_units(scheduler) == 9 + 10)
            place.set()
            assert begun.acquire(timeout=30)
            kept = [
                callers.submit(scheduler.run, [partial(done.append, lane)] * 5, lane=lane)
                for lane in Lane
            ]
            wait_until(lambda: waiting_units(scheduler) == 9 + 9 + 3 * 5)
            cancellation.cancel()
            assert all(isinstance(call.exception(30), AbandonedError) for call in given_up)
        finally:
            place.set()
            gate.set()
        assert all(call.result(30) == [None] * 5 for call in kept)
    assert sorted(done) == sorted([*Lane] * 5)
