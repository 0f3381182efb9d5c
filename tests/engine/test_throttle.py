from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from molt.engine import throttle as module
from molt.engine.throttle import SEARCHED_SECONDS, Throttle, step_done


@dataclass
class StandingClock:
    """The throttle's own: it stands still, pauses take no time, and `slept` tells their seconds."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StandingClock:
    made = StandingClock()
    time = SimpleNamespace(monotonic=lambda: made.now, sleep=made.slept.append)
    monkeypatch.setattr(module, "time", time)
    return made


def test_long_work_is_not_slowed_down_while_nobody_searches(clock: StandingClock) -> None:
    Throttle().pause(0.1)
    assert clock.slept == []


def test_while_searches_come_a_fifth_of_the_time_is_worked(clock: StandingClock) -> None:
    throttle = Throttle()
    throttle.search_came()
    throttle.pause(0.1)
    assert clock.slept == pytest.approx([0.4])


def test_no_pause_is_longer_than_a_second(clock: StandingClock) -> None:
    throttle = Throttle()
    throttle.search_came()
    throttle.pause(60.0)
    assert clock.slept == [1.0]


def test_a_while_after_the_last_search_work_goes_on_at_once(clock: StandingClock) -> None:
    throttle = Throttle()
    throttle.search_came()
    clock.now += SEARCHED_SECONDS / 2
    throttle.pause(0.1)
    assert len(clock.slept) == 1
    clock.now += SEARCHED_SECONDS / 2
    throttle.pause(0.1)
    assert len(clock.slept) == 1


def test_work_in_steps_pauses_after_each_where_it_is_throttled(clock: StandingClock) -> None:
    throttle = Throttle()
    throttle.search_came()
    step_done()
    assert clock.slept == []
    with throttle.steps():
        for spent in (0.1, 0.2):
            clock.now += spent
            step_done()
    assert clock.slept == pytest.approx([0.4, 0.8])
    step_done()
    assert len(clock.slept) == 2
