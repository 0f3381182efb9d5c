"""The job queue, from outside: ask for a job, look at it, follow it, cancel it.

DBOS keeps it in a database of its own (`database`). Whoever runs the jobs is another process.
"""

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molt.artifact import canonical_json, match_id
from molt.artifact.tracing import carried_trace
from molt.index.catalog.storage.place import DatabasePlace
from molt.index.catalog.storage.refusals import translated
from molt.index.errors import JobConflictError, JobKeyReusedError, JobNotFoundError
from molt.index.jobs.database import create_jobs_engine, prepare_jobs
from molt.index.jobs.job import (
    EVENTS,
    QUEUES,
    VERSION,
    Job,
    JobEvent,
    JobProgress,
    JobRequest,
    JobState,
    new_job_id,
)
from molt.index.jobs.progress import ProgressMeter
from molt.index.jobs.status import UNENDED, job_of

if TYPE_CHECKING:
    from dbos import EnqueueOptions

_MOST_METERS = 64
_MOST_ALIKE = 100
_A_BEGINNING = re.compile(r"[0-9a-z-]{4,64}")
"""What could begin a job's id, and means nothing else to a database."""


class JobQueue:
    """The jobs of a home. Safe in many threads. What the database refuses is a `CatalogError`."""

    def __init__(self, url: str) -> None:
        from dbos import DBOSClient, DBOSPortableJSONSerializer  # noqa: PLC0415  28 MB and 0.3 s

        prepare_jobs(url)
        self._engine = create_jobs_engine(url)
        with translated(self._engine):
            self._client: DBOSClient = DBOSClient(
                system_database_engine=self._engine,
                serializer=DBOSPortableJSONSerializer(),
                retry_connection_errors=False,  # whoever asks is told, and asks again
            )
        is_file = self._engine.dialect.name == "sqlite"
        self._place = DatabasePlace(Path(str(self._engine.url.database))) if is_file else None
        self._meters: OrderedDict[str, tuple[ProgressMeter, int]] = OrderedDict()
        self._metering = threading.Lock()

    def close(self) -> None:
        """Close every connection."""
        self._client.destroy()
        self._engine.dispose()

    def ask(self, request: JobRequest, *, key: str | None = None, job_id: str | None = None) -> Job:
        """Ask for a job; the same `key` with the same request is the same job.

        Without a key it has `job_id`, where one is given. Raises `JobConflictError` where one of
        this kind is at work for the collection, `JobKeyReusedError` for a key that another request
        came with, and `CatalogError` where the queue was removed or replaced: nobody would find a
        job that was asked for there.
        """
        job_id = (job_id or new_job_id()) if key is None else _keyed(request, key)
        if self._place is not None:
            self._place.require()
        former = self._find(job_id)
        if former is not None:
            return _checked(former, request)
        found = self._enqueue(request, job_id)
        if found != job_id:
            what = f" of {request.collection!r}" if request.collection else ""
            raise JobConflictError(
                f"job {found} is a {request.kind}{what} already; wait for it, or cancel it",
                job_id=found,
            )
        job = self.get(job_id)
        return job if key is None else _checked(job, request)  # another may have been faster

    def get(self, job_id: str) -> Job:
        """Raises `JobNotFoundError`."""
        found = self._find(job_id)
        if found is None:
            raise unknown_job(job_id)
        return found

    def beginning_with(self, given: str) -> list[Job]:
        """Some jobs whose ids begin so, the newest first: enough to see whether it is one alone."""
        if not _A_BEGINNING.fullmatch(given):
            return []
        with translated(self._engine):
            found = self._client.list_workflows(
                workflow_id_prefix=given, sort_desc=True, limit=_MOST_ALIKE
            )
        return [*map(job_of, found)]

    def find(self, given: str) -> Job:
        """The job of this id, or the only one whose id begins so.

        Raises `JobNotFoundError` and `AmbiguousIdError`.
        """
        jobs = {job.id: job for job in self.beginning_with(given)}
        found = match_id(given, jobs, what="job")
        if found is None:
            raise unknown_job(given)
        return jobs[found]

    def look(self, job_id: str) -> Job:
        """The job, and while it is at work how far it is. Raises `JobNotFoundError`."""
        job = self.get(job_id)
        return replace(job, progress=self._measured(job)) if job.state is JobState.RUNNING else job

    def cancel(self, job_id: str) -> Job:
        """Cancel a job; the one at work stops soon. One that has ended stays as it is.

        Raises `JobNotFoundError`.
        """
        if not self.get(job_id).state.ended:
            with translated(self._engine):
                self._client.cancel_workflow(job_id)
        return self.get(job_id)

    def events(self, job_id: str, *, after: int = -1) -> list[JobEvent]:
        """Every event so far that came after number `after`; nothing is waited for.

        Raises `JobNotFoundError`.
        """
        from dbos import error as dbos_error  # noqa: PLC0415

        first = after + 1
        found: list[JobEvent] = []
        stored = self._client.read_stream(job_id, EVENTS, offset=first, timeout_seconds=0.0)
        try:
            with translated(self._engine):
                for content in stored:
                    found.append(JobEvent(first + len(found), content))
        except dbos_error.DBOSStreamTimeoutError:  # there may be more to come
            pass
        except dbos_error.DBOSNonExistentWorkflowError:
            raise unknown_job(job_id) from None
        return found

    def list(
        self,
        *,
        collection: str | None = None,
        limit: int = 100,
        where: Callable[[Job], bool] = lambda _: True,
    ) -> list[Job]:
        """The newest jobs for which `where` holds, of one collection or of all, newest first."""
        found: dict[str, Job] = {}
        for offset in count(0, limit):
            with translated(self._engine):
                page = self._client.list_workflows(sort_desc=True, limit=limit, offset=offset)
            jobs = map(job_of, page)
            found |= {
                job.id: job for job in jobs if collection in {None, job.collection} and where(job)
            }
            if len(page) < limit or len(found) >= limit:
                break
        return [*found.values()][:limit]

    def at_work(self) -> tuple[Job, ...]:
        """Every job that waits, or that was begun and has not ended."""
        with translated(self._engine):
            return tuple(map(job_of, self._client.list_workflows(status=UNENDED)))

    def _measured(self, job: Job) -> JobProgress:
        """How far a job is; of its events only those are read that came since the last look."""
        with self._metering:
            meter, last = self._meters.pop(job.id, (ProgressMeter(job.kind), -1))
            for told in self.events(job.id, after=last):
                last = told.number
                meter.hear(told.content)
            self._meters[job.id] = meter, last
            if len(self._meters) > _MOST_METERS:
                self._meters.popitem(last=False)
            return meter.now

    def _enqueue(self, request: JobRequest, job_id: str) -> str:
        """The id of the job that is in the queue now: this one, or the one that is at work."""
        order: EnqueueOptions = {
            "workflow_name": request.kind,
            "queue_name": QUEUES[request.kind],
            "workflow_id": job_id,
            "app_version": VERSION,
            "deduplication_id": f"{request.kind}:{_subject(request)}",
            "duplication_policy": "return-existing",
        }
        trace = carried_trace()
        arguments = request.arguments() | ({"trace": trace} if trace else {})
        with translated(self._engine):
            return str(self._client.enqueue(order, arguments).workflow_id)

    def _find(self, job_id: str) -> Job | None:
        with translated(self._engine):
            found = self._client.list_workflows(workflow_ids=[job_id])
        return job_of(found[0]) if found else None


def unknown_job(job_id: str) -> JobNotFoundError:
    """The error for a job that is not there."""
    return JobNotFoundError(f"there is no job {job_id[:80]!r}; `molt jobs` lists them")


def _keyed(request: JobRequest, key: str) -> str:
    body: dict[str, Any] = {"kind": request.kind, "collection": request.collection, "key": key}
    if request.collection_id is not None:
        body["collection_id"] = request.collection_id
    return hashlib.sha256(canonical_json(body)).hexdigest()[:32]


def _subject(request: JobRequest) -> str:
    """What no two jobs of a kind may be about: a collection by its id, whoever has its name."""
    if request.collection_id is not None:
        return f"#{request.collection_id}"
    return request.collection or ""


def _checked(former: Job, request: JobRequest) -> Job:
    if dict(former.options) != dict(request.options):
        raise JobKeyReusedError(
            f"this idempotency key came with another request, job {former.id}; choose a new key"
        )
    return former
