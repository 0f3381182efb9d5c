import time

import pytest

from molt.engine import throttle as module
from molt.engine.throttle import Throttle, step_done


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each pause, which take none."""
    pauses: list[float] = []
    monkeypatch.setattr("molt.engine.throttle.time.sleep", pauses.append)
    return pauses


def test_long_work_is_not_slowed_down_while_nobody_searches(slept: list[float]) -> None:
    Throttle().pause(0.1)
    assert slept == []


def test_while_searches_come_a_fifth_of_the_time_is_worked(slept: list[float]) -> None:
    throttle = Throttle()
    throttle.search_came()
    throttle.pause(0.1)
    assert slept == pytest.approx([0.4])


def test_no_pause_is_longer_than_a_second(slept: list[float]) -> None:
    throttle = Throttle()
    throttle.search_came()
    throttle.pause(60.0)
    assert slept == [1.0]


def test_a_while_after_the_last_search_work_goes_on_at_once(
    slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    throttle = Throttle()
    throttle.search_came()
    later = time.monotonic() + module.SEARCHED_SECONDS
    monkeypatch.setattr("molt.engine.throttle.time.monotonic", lambda: later)
    throttle.pause(0.1)
    assert slept == []


def test_work_in_steps_pauses_after_each_where_it_is_throttled(slept: list[float]) -> None:
    throttle = Throttle()
    throttle.search_came()
    step_done()
    assert slept == []
    with throttle.steps():
        step_done()
        step_done()
    assert len(slept) == 2
    step_done()
    assert len(slept) == 2
