"""Telling: a job's events, and whether it shall stop.

Only within a step of DBOS: it counts what is called outside of steps, and that must be the same
whenever a job is resumed.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from dbos import DBOS

from molt.encoder.errors import AbandonedError
from molt.encoder.safety.cancellation import Cancellation
from molt.index.jobs.job import EVENTS
from molt.index.jobs.progress import event_of
from molt.training.errors import TrainingError

_PROGRESS_SECONDS = 0.5
_LOOK_SECONDS = 1.0


_CANCELLED = "the job was cancelled"


class CancelledError(TrainingError):
    """The job was cancelled while a step was at work."""


class JobEvents:
    """Writes the events of the job that it is made in. Progress is told twice a second at most."""

    def __init__(self) -> None:
        self._job = str(DBOS.workflow_id)
        self._told = 0.0
        self._looked = 0.0

    def tell(self, event: str, **facts: Any) -> None:
        """Write an event down for whoever follows. Raises `CancelledError`."""
        self.check()
        DBOS.write_stream(EVENTS, {"event": event, "at": round(time.time(), 3)} | facts)

    def progress(self, stage: str, done: int, *, total: int, facts: Mapping[str, Any]) -> None:
        """Tell how far a stage is, unless that was told just now. Raises `CancelledError`."""
        now = time.monotonic()
        if now - self._told >= _PROGRESS_SECONDS or done >= total:
            self._told = now
            self.tell("progress", stage=stage, done=done, total=total, **facts)
        else:
            self.check()

    def pass_on(self, event: dict[str, Any]) -> None:
        """Tell what a child told, which calls progress a stage with steps."""
        told = event_of(event)
        if told.pop("event") == "progress":
            self.progress(told.pop("stage"), told.pop("done"), total=told.pop("total"), facts=told)
        else:
            self.tell("stage", **told)

    def check(self) -> None:
        """Raise `CancelledError` where the job was cancelled; asks once a second."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        if _is_cancelled(self._job):
            raise CancelledError(_CANCELLED)


@contextmanager
def given_up_when_cancelled() -> Iterator[None]:
    """Have what the block encodes given up once the job is cancelled, though it should hang.

    Raises `CancelledError` then.
    """
    cancellation, ended = Cancellation(), threading.Event()
    watching = threading.Thread(
        target=_watch, args=(str(DBOS.workflow_id), cancellation, ended), daemon=True
    )
    watching.start()
    try:
        with cancellation.scope():
            yield
    except AbandonedError:
        raise CancelledError(_CANCELLED) from None
    finally:
        ended.set()


def _watch(job_id: str, cancellation: Cancellation, ended: threading.Event) -> None:
    while not ended.wait(_LOOK_SECONDS):
        with suppress(Exception):  # while the database is away nothing is known
            if _is_cancelled(job_id):
                cancellation.cancel()
                return


def _is_cancelled(job_id: str) -> bool:
    status = DBOS.get_workflow_status(job_id)
    return status is not None and status.status == "CANCELLED"
