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
from typing import TYPE_CHECKING, NoReturn

import structlog

from molt.artifact import Home, exclusive
from molt.engine.settings import Settings
from molt.engine.telemetry.tracing import open_tracing, require_tracing
from molt.index.catalog.catalog import Catalog
from molt.index.errors import CatalogError, JobNotFoundError
from molt.index.generations.lost import open_home_catalog
from molt.index.jobs.job import MOST_DEATHS, Job, JobState
from molt.index.jobs.queue import JobQueue
from molt.index.jobs.waiting import WaitingJobs
from molt.training.errors import TrainingError
from molt.training.supervised import when_input_ends
from molt.worker.liveness import Heartbeat

if TYPE_CHECKING:
    from molt.worker.dispatcher import Dispatcher

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
    `WorkerRunningError`, `TracingError`, and what opening the catalog raises.
    """
    stopping = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    require_tracing(settings.tracing)
    if supervised:
        when_input_ends(stopping.set)
    os.nice(settings.worker.niceness)
    with (
        hold_worker(settings.layout),
        closing(open_home_catalog(settings.layout, settings.catalog)) as catalog,
    ):
        tracing = open_tracing(settings.tracing)
        jobs = Jobs(settings, catalog)
        jobs.tidy()
        log.info("worker.started", home=str(settings.home))
        dispatch(jobs, stopping)
        if tracing is not None:
            tracing.close()
        log.info("worker.stopped")
        sys.stderr.flush()
        os._exit(0)  # a step at work would be waited for; it is begun again by the next worker


def dispatch(jobs: "Jobs", stopping: Event) -> None:
    """Run jobs while there are any, and tidy up now and then."""
    heart = Heartbeat(jobs.home)
    last_busy = tidied = time.monotonic()
    while not stopping.is_set():
        now = time.monotonic()
        try:
            heart.beat()
            if now - tidied >= _TIDY_SECONDS:
                tidied = now
                jobs.tidy()
            if jobs.waiting.any() or jobs.at_work:
                last_busy = now
                jobs.run()
            elif now - last_busy >= LINGER_SECONDS:
                jobs.rest()
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


class Jobs:
    """The jobs of a home, as its worker sees to them; used by one thread.

    What runs them is loaded with the first: a worker that waits holds neither DBOS nor an index.
    """

    def __init__(self, settings: Settings, catalog: Catalog) -> None:
        self.home = settings.layout
        self.waiting = WaitingJobs(settings.jobs)
        self._settings = settings
        self._catalog = catalog
        self._dispatcher: Dispatcher | None = None
        self._opened: JobQueue | None = None

    @property
    def at_work(self) -> bool:
        """Is a job at work, be it one that was cancelled and has yet to notice?"""
        return self._dispatcher is not None and self._dispatcher.works

    def run(self) -> None:
        """Begin what waits, now and from now on."""
        if self._dispatcher is None:
            from molt.worker.context import JobContext  # noqa: PLC0415
            from molt.worker.dispatcher import Dispatcher  # noqa: PLC0415

            self._dispatcher = Dispatcher(JobContext(self._settings, self._catalog))
        if not self._dispatcher.runs:
            self._dispatcher.start()

    def rest(self) -> None:
        """Begin nothing more until `run`."""
        if self._dispatcher is not None and self._dispatcher.runs:
            self._dispatcher.stop()

    def tidy(self) -> None:
        """See to what ended while no worker was at it: jobs cancelled, and those given up."""
        if self.waiting.any_given_up():
            self._note_given_up()
        builds = self._catalog.builds
        for job_id in builds.jobs().values():
            if self._ended(job_id):
                builds.end(job_id)
        for folder in self.home.job_folders.glob("*"):
            old = time.time() - folder.stat().st_mtime > _FORGOTTEN_SECONDS
            if self._ended(folder.name, forgotten=old):
                rmtree(folder, ignore_errors=True)

    def _note_given_up(self) -> None:
        """Note the jobs that were begun too often; not those that another was asked for after."""
        failures = self._catalog.failures
        noted = failures.noted()
        newest: dict[tuple[str | None, int | None, str], Job] = {}
        for job in self._queue.list(limit=_LOOKED_AT):
            newest.setdefault((job.collection, job.collection_id, job.kind), job)
        for job in newest.values():
            given_up = job.state is JobState.FAILED and job.attempts > MOST_DEATHS
            if given_up and job.id not in noted:
                failures.note(
                    job.collection,
                    kind=job.kind,
                    job=job.id,
                    reason=str(job.error),
                    collection_id=job.collection_id,
                )

    def _ended(self, job_id: str, *, forgotten: bool = True) -> bool:
        """Will the job never run again? One that is not in the queue is `forgotten`, or to come."""
        try:
            return self._queue.get(job_id).state.ended
        except JobNotFoundError:
            return forgotten

    @property
    def _queue(self) -> JobQueue:
        if self._opened is None:
            self._opened = JobQueue(self._settings.jobs)
        return self._opened
