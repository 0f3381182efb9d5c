"""The worker process: takes jobs from the queue and runs them until it is told to stop.

One for each home, at low priority, so that who searches does not wait for who trains. When it is
killed, the next one goes on where it was.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from shutil import rmtree
from threading import Event
from typing import NoReturn

import structlog

from molt.artifact import Home, exclusive
from molt.engine.settings import Settings
from molt.index.errors import CatalogError, JobNotFoundError
from molt.index.generations.lost import open_home_catalog
from molt.index.jobs.job import Job, JobState
from molt.index.jobs.queue import JobQueue
from molt.training.errors import TrainingError
from molt.training.supervised import when_input_ends
from molt.worker.context import JobContext
from molt.worker.dispatcher import MOST_DEATHS, Dispatcher
from molt.worker.liveness import Heartbeat

log = structlog.get_logger(__name__)

LINGER_SECONDS = 60.0
"""After the last job the next one is begun at once for so long."""
_LOOK_SECONDS = 1.0
_LOOKED_AT = 50
_PATIENCE = 2.0
_FORGOTTEN_SECONDS = 3600.0
_TIDY_SECONDS = 60.0


class WorkerRunningError(TrainingError):
    """Another process runs the jobs of this home."""


def work(settings: Settings, *, supervised: bool) -> NoReturn:
    """Run jobs until SIGTERM or SIGINT, or, supervised, until standard input ends; then exit.

    A job at work stops where it is and is gone on with by the next worker. Raises
    `WorkerRunningError`, and what opening the catalog raises.
    """
    stopping = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    if supervised:
        when_input_ends(stopping.set)
    os.nice(settings.worker.niceness)
    with (
        hold_worker(settings.layout),
        closing(open_home_catalog(settings.layout, settings.catalog)) as catalog,
    ):
        context, queue = JobContext(settings, catalog), JobQueue(settings.jobs)
        _tidy(context, queue)
        log.info("worker.started", home=str(settings.home))
        dispatch(context, queue, stopping)
        log.info("worker.stopped")
        sys.stderr.flush()
        os._exit(0)  # a step at work would be waited for; it is begun again by the next worker


def dispatch(context: JobContext, queue: JobQueue, stopping: Event) -> None:
    """Run jobs while there are any, and tidy up now and then."""
    dispatcher, heart = Dispatcher(context), Heartbeat(context.home)
    last_busy = tidied = time.monotonic()
    while not stopping.is_set():
        now = time.monotonic()
        try:
            heart.beat()
            if now - tidied >= _TIDY_SECONDS:
                tidied = now
                _tidy(context, queue)
            if queue.has_work() or dispatcher.works:
                last_busy = now
                if not dispatcher.runs:
                    dispatcher.start()
            elif dispatcher.runs and now - last_busy >= LINGER_SECONDS:
                dispatcher.stop()
        except (CatalogError, OSError) as error:  # another time, then
            log.warning("worker.untidy", reason=str(error))
        stopping.wait(_LOOK_SECONDS)


@contextmanager
def hold_worker(home: Home) -> Iterator[None]:
    """Be the only worker of a home. Raises `WorkerRunningError` where there is one."""
    with ExitStack() as held:
        try:  # whoever asks whether one runs has the lock for a moment
            held.enter_context(exclusive(home.worker_lock, patience=_PATIENCE))
        except BlockingIOError:
            raise WorkerRunningError(
                f"another process runs the jobs of {home.root} already"
            ) from None
        yield


def _tidy(context: JobContext, queue: JobQueue) -> None:
    """See to jobs that ended while no worker was at them: cancelled ones, and those given up."""
    builds = context.catalog.builds
    _note_given_up(context, queue)
    for job_id in builds.jobs().values():
        if _ended(queue, job_id):
            builds.end(job_id)
    for folder in context.home.job_folders.glob("*"):
        old = time.time() - folder.stat().st_mtime > _FORGOTTEN_SECONDS
        if _ended(queue, folder.name, forgotten=old):
            rmtree(folder, ignore_errors=True)


def _note_given_up(context: JobContext, queue: JobQueue) -> None:
    """Note the jobs that were begun too often; not those that another was asked for after."""
    noted = context.catalog.failures.noted()
    newest: dict[tuple[str | None, int | None, str], Job] = {}
    for job in queue.list(limit=_LOOKED_AT):
        newest.setdefault((job.collection, job.collection_id, job.kind), job)
    for job in newest.values():
        given_up = job.state is JobState.FAILED and job.attempts > MOST_DEATHS
        if given_up and job.id not in noted:
            context.catalog.failures.note(
                job.collection,
                kind=job.kind,
                job=job.id,
                reason=str(job.error),
                collection_id=job.collection_id,
            )


def _ended(queue: JobQueue, job_id: str, *, forgotten: bool = True) -> bool:
    """Will the job never run again? One that is not in the queue is `forgotten`, or to come."""
    try:
        return queue.get(job_id).state.ended
    except JobNotFoundError:
        return forgotten
