import subprocess
import sys
import threading
import time
import weakref
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, wait

import pytest

from molt.app.http.threads import RequestThreads
from molt.encoder.safety.deadline import Deadline
from tests.waiting import wait_until

SOON = 20.0


@pytest.fixture
def threads() -> RequestThreads:
    return RequestThreads(2, name="test")


@pytest.fixture
def deadline() -> Iterator[Deadline]:
    made = Deadline(0.05, make_error=lambda: TimeoutError("given up"), on_overdue=lambda _: None)
    yield made
    made.stop()


@pytest.fixture
def end() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def hanging(threads: RequestThreads, deadline: Deadline, end: threading.Event) -> "Future[bool]":
    def work() -> bool:
        with deadline.computing():
            return end.wait(SOON)

    return threads.submit(work)


def test_what_is_submitted_is_done_and_what_it_raises_is_raised(threads: RequestThreads) -> None:
    assert threads.submit(max, 1, 2).result(SOON) == 2
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 1, 0).result(SOON)
    threads.shutdown()


def test_what_nobody_waits_for_any_more_is_not_begun(
    threads: RequestThreads, end: threading.Event
) -> None:
    begun = [threads.submit(end.wait, SOON) for _ in range(2)]
    done: list[int] = []
    cancelled = threads.submit(done.append, 1)
    assert cancelled.cancel()
    end.set()
    wait(begun, SOON)
    threads.submit(done.append, 2).result(SOON)
    assert done == [2]
    threads.shutdown()


def test_work_that_hangs_is_answered_and_takes_no_thread_from_others(
    threads: RequestThreads, deadline: Deadline, end: threading.Event
) -> None:
    for _ in range(3):  # more than there are threads
        with pytest.raises(TimeoutError, match="given up"):
            hanging(threads, deadline, end).result(SOON)
    assert threads.submit(max, 1, 2).result(SOON) == 2
    threads.shutdown()


def test_a_thread_that_comes_back_after_all_ends(
    threads: RequestThreads, deadline: Deadline, end: threading.Event
) -> None:
    found: list[threading.Thread] = []

    def work() -> None:
        found.append(threading.current_thread())
        with deadline.computing():
            end.wait(SOON)

    with pytest.raises(TimeoutError):
        threads.submit(work).result(SOON)
    end.set()
    found[0].join(SOON)
    assert not found[0].is_alive()
    threads.shutdown()


def test_what_waits_while_all_hang_is_done_by_threads_that_take_their_places(
    threads: RequestThreads, deadline: Deadline, end: threading.Event
) -> None:
    lost = [hanging(threads, deadline, end) for _ in range(2)]
    waiting = [threads.submit(max, 1, number) for number in range(5)]
    assert [one.result(SOON) for one in waiting] == [1, 1, 2, 3, 4]
    assert all(isinstance(one.exception(SOON), TimeoutError) for one in lost)
    threads.shutdown()


def test_the_thread_that_was_free_last_takes_what_comes_next() -> None:
    threads = RequestThreads(8, name="test")
    together = threading.Barrier(8)
    wait([threads.submit(together.wait, SOON) for _ in range(8)], SOON)
    used: Counter[int] = Counter()
    for _ in range(40):
        wait_until(lambda: len(threads._free) == 8)  # a little after its result is there
        used[threads.submit(threading.get_ident).result(SOON)] += 1
    assert max(used.values()) > 20  # in turn it would be 5
    threads.shutdown()


def test_no_more_than_so_many_work_at_once_and_none_is_there_before_it_is_needed() -> None:
    threads = RequestThreads(3, name="only these")
    users: set[int] = set()
    together = threading.Barrier(3)

    def work() -> None:
        users.add(threading.get_ident())
        together.wait(SOON)

    wait([threads.submit(work) for _ in range(21)], SOON)
    assert len(users) == 3
    threads.shutdown()
    alone = RequestThreads(3, name="nothing came")
    assert not [one for one in threading.enumerate() if one.name == "nothing came"]
    alone.submit(max, 1, 2).result(SOON)
    assert len([one for one in threading.enumerate() if one.name == "nothing came"]) == 1
    alone.shutdown()


def test_threads_that_were_shut_down_take_nothing_more(threads: RequestThreads) -> None:
    threads.submit(max, 1, 2).result(SOON)
    threads.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        threads.submit(max, 1, 2)


def test_closing_finishes_what_was_accepted_and_waits_for_nothing_that_hangs(
    threads: RequestThreads, deadline: Deadline, end: threading.Event
) -> None:
    lost = [hanging(threads, deadline, end) for _ in range(2)]
    done: list[int] = []
    for number in range(20):
        threads.submit(done.append, number)
    threads.shutdown()
    assert sorted(done) == list(range(20))
    assert all(isinstance(one.exception(SOON), TimeoutError) for one in lost)


def test_what_has_not_begun_is_dropped_where_that_is_asked_for(
    threads: RequestThreads, end: threading.Event
) -> None:
    begun = [threads.submit(end.wait, SOON) for _ in range(2)]
    done: list[int] = []
    waiting = [threads.submit(done.append, number) for number in range(20)]
    closing = threading.Thread(target=threads.shutdown, kwargs={"cancel_futures": True})
    closing.start()
    wait_until(lambda: threads._closed)
    end.set()
    closing.join(SOON)
    assert not closing.is_alive()
    assert [one.result(SOON) for one in begun] == [True, True]
    assert all(one.cancelled() for one in waiting)
    assert done == []


def test_a_process_whose_threads_hang_ends() -> None:
    script = """
import threading
from molt.app.http.threads import RequestThreads
threads = RequestThreads(1, name="test")
begun = threading.Event()
threads.submit(lambda: begun.set() or threading.Event().wait())
begun.wait()
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=30, check=False).returncode == 0


class Held:
    """Something that work refers to."""


def test_a_thread_that_waits_keeps_nothing_of_what_it_did(threads: RequestThreads) -> None:
    held = Held()
    kept = weakref.ref(held)
    threads.submit(id, held).result(SOON)
    del held
    wait_until(lambda: kept() is None)
    threads.shutdown()


def refused(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_thread_that_the_system_refuses_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads = RequestThreads(1, name="test")
    with monkeypatch.context() as scarce:
        scarce.setattr(threading.Thread, "start", refused)
        with pytest.raises(RuntimeError, match="can't start"):
            threads.submit(max, 1, 2).result(SOON)
    assert threads.submit(max, 1, 2).result(SOON) == 2
    threads.shutdown()


def test_what_no_thread_could_be_started_for_is_done_by_one_that_is_there(
    threads: RequestThreads, end: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads.submit(end.wait, SOON)
    with monkeypatch.context() as scarce:
        scarce.setattr(threading.Thread, "start", refused)
        waiting = threads.submit(max, 1, 2)
    assert threads.submit(max, 1, 3).result(SOON) == 3
    assert waiting.result(SOON) == 2
    end.set()
    threads.shutdown()


def test_what_waits_is_told_where_no_thread_takes_the_place_of_one_that_hangs(
    deadline: Deadline, end: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = RequestThreads(1, name="test")
    with monkeypatch.context() as scarce:
        lost = hanging(threads, deadline, end)
        scarce.setattr(threading.Thread, "start", refused)
        waiting = threads.submit(max, 1, 2)
        assert isinstance(lost.exception(SOON), TimeoutError)
        with pytest.raises(RuntimeError, match="can't start"):
            waiting.result(SOON)
    assert threads.submit(max, 1, 2).result(SOON) == 2
    threads.shutdown()


def test_a_thread_pauses_for_what_all_may_work_when_its_result_is_told() -> None:
    pauses: list[float] = []
    told, paused = threading.Event(), threading.Event()

    def pause(spent: float) -> None:
        told.wait(30)
        pauses.append(spent)
        paused.set()

    threads = RequestThreads(3, name="test", pause=pause)
    assert threads.submit(time.sleep, 0.05).result(timeout=30) is None
    told.set()
    assert paused.wait(30)
    assert 3 * 0.05 <= pauses[0] < 30
    threads.shutdown()
