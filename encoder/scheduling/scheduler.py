"""The scheduler: a fixed number of places to work in, and whose unit of work gets the next one.

A lone unit that finds a place free is done on the thread that brings it, which spares it the way to
another core; in the background never, so that who brings it cannot hang with it. Everything else
waits for one of the scheduler's own threads: lower lanes first, calls of one lane in turn, and a
small share for the lanes above so that none starves. A unit is never interrupted: it is the
caller's part to make it short. While queries come, they have a place of their own where there are
several, or each would wait for the rest of somebody's unit. The background has threads of its own,
which give way to others: a unit of it must not take a core from a search that has been encoded.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, InvalidStateError, wait
from contextlib import suppress
from typing import Any, TypeVar

from molt.artifact import give_way, reason_of
from molt.encoder.errors import AbandonedError, ClosedEncoderError
from molt.encoder.safety.cancellation import current
from molt.encoder.safety.deadline import abandonable
from molt.encoder.scheduling.lane import Lane

_T = TypeVar("_T")

# Of this many picks, one goes to the background and one to interactive work first.
_ROUND = 8
_SHARES = {
    _ROUND - 1: (Lane.BACKGROUND, Lane.INTERACTIVE, Lane.QUERY),
    _ROUND // 2 - 1: (Lane.INTERACTIVE, Lane.QUERY, Lane.BACKGROUND),
}

KEPT_SECONDS = 1.0
"""For so long after a query a place is kept for the next one."""
_NICENESS = 5
_REST_SECONDS = 0.1
_TOLD_SECONDS = 60.0

log = logging.getLogger(__name__)


class _Unit:
    """One piece of a call, and where its result is awaited."""

    def __init__(self, work: Callable[[], Any], lane: Lane) -> None:
        self.work = work
        self.lane = lane
        self.future: Future[Any] = Future()

    def run(self) -> None:
        """Do the work unless its call has given up; what it raises is raised by the call."""
        if not self.future.set_running_or_notify_cancel():
            return
        with abandonable(self.fail):
            try:
                result = self.work()
            except BaseException as error:  # noqa: BLE001 - raised again by `Scheduler.run`
                self.fail(error)
            else:
                with suppress(InvalidStateError):  # it was given up meanwhile
                    self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Tell the call, unless it was told already."""
        with suppress(InvalidStateError):
            self.future.set_exception(error)


class Scheduler:
    """Runs units of work, `threads` at a time; shared by every caller."""

    def __init__(self, threads: int) -> None:
        self._calls: dict[Lane, deque[deque[_Unit]]] = {lane: deque() for lane in Lane}
        lock = threading.Lock()
        self._left = threading.Condition(lock)
        self._work_of = {background: threading.Condition(lock) for background in (False, True)}
        self._picks = 0
        self._places = self._free = threads
        self._others = 0  # at work, and no queries
        self._kept_until = 0.0
        self._closed = False
        self.deaths = 0
        self._died = ("", 0.0)
        self._threads = [
            threading.Thread(
                target=self._last, kwargs={"background": background}, name=name, daemon=True
            )
            for background, kind in ((False, "encoder"), (True, "background"))
            for name in (f"molt-{kind}-{number}" for number in range(threads))
        ]
        for thread in self._threads:
            thread.start()

    def run(self, work: Sequence[Callable[[], _T]], *, lane: Lane) -> list[_T]:
        """Do all of `work` and return the results in its order.

        Raises what the first failing unit raised; the units not yet begun are then dropped, as they
        are where the thread's cancellation says so, which is an `AbandonedError` and waits for no
        unit that has begun. Raises `ClosedEncoderError` once the scheduler is closed.
        """
        if not work:
            return []
        if len(work) == 1 and lane is not Lane.BACKGROUND and self._enter(lane):
            try:
                return [work[0]()]
            finally:
                self._leave(lane)
        units = [_Unit(part, lane) for part in work]
        call, futures = deque(units), [unit.future for unit in units]
        cancellation = current()
        with self._left:
            self._note(lane)
            self._calls[lane].append(call)
            self._wake()
        try:
            with cancellation.telling(lambda: self._drop(call, units, lane)):
                wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            for future in futures:
                future.cancel()
        cancellation.check()
        return [future.result() for future in futures]

    def stop(self) -> None:
        """End the threads when nobody is left who could bring work; waits for nothing."""
        with self._left:
            self._closed = True
            for work in self._work_of.values():
                work.notify_all()

    def close(self, *, patience: float | None = None) -> None:
        """Finish the units that have begun, fail the others, and end the threads.

        Waits `patience` seconds at most, where some of them may hang.
        """
        self.stop()
        self.give_up(ClosedEncoderError(_CLOSED))
        with self._left:
            ended = self._left.wait_for(lambda: self._free == self._places, patience)
        for thread in self._threads if ended else ():
            thread.join()

    def give_up(self, error: Exception) -> None:
        """Fail every unit that has not begun."""
        with self._left:
            waiting = [unit for calls in self._calls.values() for call in calls for unit in call]
            for calls in self._calls.values():
                calls.clear()
        for unit in waiting:
            if unit.future.set_running_or_notify_cancel():
                unit.fail(error)

    def _drop(self, call: deque[_Unit], units: Sequence[_Unit], lane: Lane) -> None:
        """Let go of what is left of a call, and let its caller know, whatever was begun of it."""
        with self._left:
            self._calls[lane] = deque(each for each in self._calls[lane] if each is not call)
            left = list(call)
            call.clear()
        for unit in left:
            if unit.future.cancel():
                unit.future.set_running_or_notify_cancel()
        for unit in units:
            if not unit.future.cancel():  # it has begun
                unit.fail(AbandonedError())

    def _note(self, lane: Lane) -> None:
        """Somebody brings work of this lane."""
        if self._closed:
            raise ClosedEncoderError(_CLOSED)
        if lane is Lane.QUERY:
            self._kept_until = time.monotonic() + KEPT_SECONDS

    def _enter(self, lane: Lane) -> bool:
        """Take a place without waiting; False where one has to wait."""
        with self._left:
            self._note(lane)
            if not self._free or not self._may_begin(lane) or self._has_precedence_over(lane):
                return False
            self._take(lane)
            return True

    def _may_begin(self, lane: Lane) -> bool:
        """Would a free place not be the one that is kept for queries?"""
        return lane is Lane.QUERY or self._others < self._places - self._kept()

    def _kept(self) -> int:
        return int(self._places > 1 and time.monotonic() < self._kept_until)

    def _has_precedence_over(self, lane: Lane) -> bool:
        """Does something wait that a unit of this lane must not overtake?

        A query overtakes whoever has a place already: the next one is its by right.
        """
        if lane is Lane.QUERY and self._others:
            return bool(self._calls[lane])
        return any(self._calls.values())

    def _take(self, lane: Lane) -> None:
        self._free -= 1
        self._others += lane is not Lane.QUERY

    def _leave(self, lane: Lane) -> None:
        with self._left:
            self._free += 1
            self._others -= lane is not Lane.QUERY
            self._left.notify_all()
            self._wake()

    def _wake(self) -> None:
        """Let a thread look for work, if there is a place for it: of those whose work is next.

        Whoever takes a place then wakes another for the next one; where the only free place is
        kept, one waits until it no longer is.
        """
        lane = self._next_lane()
        if lane is None:
            lane = next((waiting for waiting, calls in self._calls.items() if calls), None)
        if lane is not None and self._free:
            self._work_of[lane is Lane.BACKGROUND].notify()

    @property
    def problem(self) -> str | None:
        """What a thread of it died of, a while ago at most, or None."""
        reason, until = self._died
        if time.monotonic() >= until:
            return None
        return f"a thread that encodes died {self.deaths} times since the start, last of {reason}"

    def _last(self, *, background: bool) -> None:
        """Work until the scheduler is closed; what would end the thread is told, and it goes on."""
        give_way(_NICENESS if background else 0)
        while True:
            try:
                return self._work(background=background)
            except BaseException as error:  # noqa: BLE001  a call would wait for ever for the thread
                self._note_death(error)
                time.sleep(_REST_SECONDS)

    def _note_death(self, error: BaseException) -> None:
        self.deaths += 1
        self._died = (reason_of(error), time.monotonic() + _TOLD_SECONDS)
        with suppress(Exception):  # that it cannot be logged is no reason to end
            log.error("a thread that encodes died of %s and goes on", self._died[0])

    def _work(self, *, background: bool) -> None:
        while (unit := self._next(background=background)) is not None:
            lane = unit.lane
            try:
                unit.run()
            finally:
                del unit  # it refers to the encoder, which may be let go while this thread waits
                self._leave(lane)

    def _next(self, *, background: bool) -> _Unit | None:
        """Wait for a unit and a place; None once the scheduler is closed."""
        with self._left:
            while not self._closed:
                lane = self._next_lane() if self._free else None
                if lane is None:
                    self._work_of[background].wait(self._rest())
                elif (lane is Lane.BACKGROUND) == background:
                    unit = self._pick(lane)
                    self._take(lane)
                    self._wake()
                    return unit
                else:
                    self._wake()
                    self._work_of[background].wait()
        return None

    def _rest(self) -> float | None:
        """Seconds until a unit may begin that only the kept place is free for; None: never."""
        if not self._free or not any(self._calls.values()):
            return None
        return max(0.0, self._kept_until - time.monotonic())

    def _next_lane(self) -> Lane | None:
        """Whose turn it is, of those that may begin."""
        lanes = _SHARES.get(self._picks % _ROUND, tuple(Lane))
        return next((lane for lane in lanes if self._calls[lane] and self._may_begin(lane)), None)

    def _pick(self, lane: Lane) -> _Unit:
        self._picks += 1
        calls = self._calls[lane]
        call = calls.popleft()
        unit = call.popleft()
        if call:
            calls.append(call)
        return unit


_CLOSED = "the encoder was closed; open another one"
