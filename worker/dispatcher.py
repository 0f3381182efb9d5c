"""The dispatcher: takes jobs from the queue and runs them, while there are any.

DBOS looks for work a dozen times a second as long as it is launched, so it is not where one cheap
look a second finds none.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from dbos import DBOS, DBOSPortableJSONSerializer

from molt.index.jobs.database import create_jobs_engine
from molt.index.jobs.job import EXECUTOR, MOST_DEATHS, VERSION, JobKind, QueueName
from molt.worker.context import JobContext
from molt.worker.workflows import run_job

if TYPE_CHECKING:
    from sqlalchemy import Engine

_POLL_SECONDS = 1.0
_LONGEST_JOB = 30 * 24 * 3600


class Dispatcher:
    """Runs the jobs of a home between `start` and `stop`; used by one thread, one in a process."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._engine: Engine | None = None
        self._at_work: set[str] = set()

    @property
    def works(self) -> bool:
        """Is a job at work, be it one that was cancelled and has yet to notice?"""
        return bool(self._at_work)

    @property
    def runs(self) -> bool:
        """Would a job that is asked for now be begun?"""
        return self._engine is not None

    def start(self) -> None:
        """Go on with the jobs that a former process left, and begin those that wait."""
        self._engine = create_jobs_engine(self._context.settings.jobs)
        DBOS(
            config={
                "name": "molt",
                "system_database_engine": self._engine,
                "serializer": DBOSPortableJSONSerializer(),
                "application_version": VERSION,
                "executor_id": EXECUTOR,
                "log_level": "CRITICAL",  # what fails is told by `run_job`
            }
        )
        for kind in JobKind:
            run: Any = partial(self._run, kind)
            run.__name__ = run.__qualname__ = kind.value
            DBOS.workflow(name=kind.value, max_recovery_attempts=MOST_DEATHS - 1)(run)
        DBOS.launch()
        for line in QueueName:
            DBOS.register_queue(
                line.value, worker_concurrency=1, polling_interval_sec=_POLL_SECONDS
            )

    def stop(self) -> None:
        """Begin no other job, and wait for one that was begun in this moment."""
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=_LONGEST_JOB)
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None

    def _run(self, kind: JobKind, arguments: dict[str, Any]) -> dict[str, Any]:
        job_id = str(DBOS.workflow_id)
        self._at_work.add(job_id)
        try:
            return run_job(kind, self._context, arguments)
        finally:
            self._at_work.discard(job_id)
