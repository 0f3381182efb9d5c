import threading
from collections.abc import Callable, Iterator

import pytest

from molt.encoder.safety.deadline import Deadline, abandonable, told_when_abandoned
from tests.waiting import wait_until

SOON = 20.0


class Hang:
    """Something that goes on until it is let go."""

    def __init__(self) -> None:
        self.begun, self.end, self.ended = (threading.Event() for _ in range(3))

    def __call__(self) -> None:
        self.begun.set()
        assert self.end.wait(SOON)


@pytest.fixture
def hang() -> Iterator[Hang]:
    made = Hang()
    yield made
    made.end.set()


@pytest.fixture
def overdue() -> list[Exception]:
    return []


@pytest.fixture
def deadline(overdue: list[Exception]) -> Iterator[Deadline]:
    made = Deadline(0.05, make_error=lambda: TimeoutError("it hangs"), on_overdue=overdue.append)
    yield made
    made.stop()


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_what_does_not_end_is_given_up_once_and_hangs_until_it_ends(
    deadline: Deadline, overdue: list[Exception], hang: Hang
) -> None:
    told: list[Exception] = []

    def work() -> None:
        with abandonable(told.append), deadline.computing():
            hang()

    thread = in_thread(work)
    wait_until(lambda: bool(overdue))
    assert deadline.hangs
    assert list(map(str, told)) == ["it hangs"] == list(map(str, overdue))
    hang.end.set()
    thread.join(SOON)
    assert not deadline.hangs
    assert len(told) == 1


def test_what_ends_in_time_is_not_given_up(deadline: Deadline, overdue: list[Exception]) -> None:
    for _ in range(100):
        with deadline.computing():
            pass
    hang = Hang()

    def patient() -> None:
        with deadline.computing(times=1e6):
            hang()

    thread = in_thread(patient)
    assert hang.begun.wait(SOON)
    waited = threading.Event()
    for _ in range(10):  # several looks
        waited.wait(0.02)
    assert not deadline.hangs
    hang.end.set()
    thread.join(SOON)
    assert overdue == []


def test_it_is_told_first_where_work_within_work_is_given_up(
    deadline: Deadline, hang: Hang
) -> None:
    told: list[str] = []

    def work() -> None:
        with (
            abandonable(lambda error: told.append(str(error))),
            told_when_abandoned(lambda: told.append("first")),
            deadline.computing(),
        ):
            hang()

    thread = in_thread(work)
    wait_until(lambda: len(told) == 2)
    hang.end.set()
    thread.join(SOON)
    assert told == ["first", "it hangs"]


def test_nobody_is_told_where_nobody_could_be_answered(deadline: Deadline, hang: Hang) -> None:
    told: list[str] = []

    def work() -> None:
        with told_when_abandoned(lambda: told.append("told")), deadline.computing():
            hang()

    thread = in_thread(work)
    wait_until(lambda: deadline.hangs)
    hang.end.set()
    thread.join(SOON)
    assert told == []


def test_a_deadline_that_is_never_over_needs_no_thread() -> None:
    before = threading.active_count()
    Deadline(float("inf"), make_error=TimeoutError, on_overdue=lambda _: None)
    assert threading.active_count() == before
