"""The job queue, asked from outside; a worker with simple jobs runs what needs one."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from molt.index.errors import (
    CatalogError,
    CatalogFullError,
    JobConflictError,
    JobKeyReusedError,
    JobNotFoundError,
)
from molt.index.jobs.database import jobs_url
from molt.index.jobs.job import Job, JobKind, JobRequest, JobState
from molt.index.jobs.queue import JobQueue
from tests.index.jobs.databases import DATABASES, fresh_url, write
from tests.postgresql import PostgresqlServer
from tests.working import simple_worker

SOON = 30.0


@pytest.fixture(scope="module", params=DATABASES)
def worked_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The queue of `worked`."""
    with fresh_url(request, tmp_path_factory.mktemp("worked")) as url:
        yield url


@pytest.fixture(scope="module")
def worked(worked_url: str) -> Iterator[JobQueue]:
    """A queue that a worker process runs, for every test of this module."""
    with closing(JobQueue(worked_url)) as queue, simple_worker(worked_url):
        yield queue


def retrain(collection: str = "shop", **options: object) -> JobRequest:
    return JobRequest(JobKind.RETRAIN, collection, options, actor="ops")


def wait_for(queue: JobQueue, job: Job, state: JobState) -> Job:
    """The job when it has come that far; fails where it ends elsewhere."""
    until = time.monotonic() + SOON
    while (now := queue.get(job.id)).state is not state:
        assert not now.state.ended, now
        assert time.monotonic() < until, now
        time.sleep(0.01)
    return now


def test_a_job_that_is_asked_for_waits(queue: JobQueue) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)  # SQLite keeps whole seconds
    job = queue.ask(retrain(config={"run": {"epochs": 2}}))
    assert (job.kind, job.collection, job.actor) == ("retrain", "shop", "ops")
    assert job.options == {"config": {"run": {"epochs": 2}}}
    assert (job.state, job.attempts, job.result, job.error) == (JobState.WAITING, 0, None, None)
    assert before <= job.created_at <= datetime.now(UTC)
    assert queue.get(job.id) == job


def test_a_job_outlives_whoever_asked_for_it(queue: JobQueue, queue_url: str) -> None:
    with closing(JobQueue(queue_url)) as other:
        job = other.ask(retrain())
    assert queue.get(job.id) == job


def test_a_worker_does_what_was_asked_for(worked: JobQueue) -> None:
    job = worked.ask(retrain("done"))
    done = wait_for(worked, job, JobState.DONE)
    assert done.result == {"of": "done", "for": "ops"}
    assert (done.attempts, done.error) == (1, None)


def test_a_job_that_fails_says_why(worked: JobQueue) -> None:
    failed = wait_for(worked, worked.ask(retrain("failing", fail="too few")), JobState.FAILED)
    assert (failed.error, failed.result) == ("too few", None)


def test_an_unknown_job_is_named(queue: JobQueue) -> None:
    for look in (queue.get, queue.cancel, queue.events):
        with pytest.raises(JobNotFoundError, match="no job 'j1'; `molt jobs`"):
            look("j1")


def test_a_job_of_a_kind_at_work_for_a_collection_is_refused_with_its_id(queue: JobQueue) -> None:
    first = queue.ask(retrain())
    with pytest.raises(JobConflictError, match=f"job {first.id} is a retrain of 'shop'") as refused:
        queue.ask(retrain(promote="force"))
    assert refused.value.job_id == first.id
    assert queue.list() == [first]


def test_a_job_that_runs_conflicts_as_one_that_waits_until_it_ends(
    worked: JobQueue, tmp_path: Path
) -> None:
    first = worked.ask(retrain("busy", until=str(tmp_path / "enough")))
    wait_for(worked, first, JobState.RUNNING)
    with pytest.raises(JobConflictError) as refused:
        worked.ask(retrain("busy"))
    assert refused.value.job_id == first.id
    (tmp_path / "enough").touch()
    wait_for(worked, first, JobState.DONE)
    assert worked.ask(retrain("busy")).id != first.id


@pytest.mark.parametrize(
    "other", [retrain("other"), JobRequest(JobKind.EVALUATE, "shop"), JobRequest("reindex", "shop")]
)
def test_another_kind_or_collection_does_not_conflict(queue: JobQueue, other: JobRequest) -> None:
    first = queue.ask(retrain())
    second = queue.ask(other)
    assert second.id != first.id
    assert second.state is JobState.WAITING


def test_of_many_who_ask_at_once_one_is_not_refused(queue: JobQueue) -> None:
    def ask(_: int) -> str:
        try:
            return f"asked {queue.ask(retrain()).id}"
        except JobConflictError as error:
            return f"refused for {error.job_id}"

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, range(6)))
    (job,) = queue.list()
    assert sorted(answers) == [f"asked {job.id}", *[f"refused for {job.id}"] * 5]


def test_a_key_brings_the_same_job_again(queue: JobQueue) -> None:
    first = queue.ask(retrain(promote="never"), key="k1")
    assert queue.ask(retrain(promote="never"), key="k1") == first
    assert queue.list() == [first]


def test_a_key_brings_the_same_job_after_it_ended(worked: JobQueue) -> None:
    first = worked.ask(retrain("replayed"), key="k1")
    done = wait_for(worked, first, JobState.DONE)
    assert worked.ask(retrain("replayed"), key="k1") == done


def test_a_key_brings_the_same_job_while_a_later_one_is_at_work(queue: JobQueue) -> None:
    first = queue.cancel(queue.ask(retrain(), key="k1").id)
    later = queue.ask(retrain())
    assert queue.ask(retrain(), key="k1") == first != later


def test_a_key_that_came_with_another_request_is_refused(queue: JobQueue) -> None:
    first = queue.ask(retrain(promote="never"), key="k1")
    with pytest.raises(JobKeyReusedError, match=f"job {first.id}; choose a new key"):
        queue.ask(retrain(promote="force"), key="k1")
    assert queue.list() == [first]


def test_a_key_that_another_request_came_with_meanwhile_is_refused(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = queue._find

    def find_and_be_overtaken(job_id: str) -> Job | None:
        found = find(job_id)
        monkeypatch.undo()
        queue.ask(retrain(promote="never"), key="k1")
        return found

    monkeypatch.setattr(queue, "_find", find_and_be_overtaken)
    with pytest.raises(JobKeyReusedError):
        queue.ask(retrain(promote="force"), key="k1")


def test_keys_of_different_collections_and_kinds_do_not_meet(queue: JobQueue) -> None:
    requests = [retrain(), retrain("other"), JobRequest(JobKind.EVALUATE, "shop")]
    assert len({queue.ask(request, key="k1").id for request in requests}) == 3


def test_a_waiting_job_is_cancelled_and_makes_room(queue: JobQueue) -> None:
    job = queue.ask(retrain())
    cancelled = queue.cancel(job.id)
    assert (cancelled.id, cancelled.state) == (job.id, JobState.CANCELLED)
    assert cancelled.error is None
    assert queue.ask(retrain()).id != job.id


def test_a_running_job_is_cancelled(worked: JobQueue, tmp_path: Path) -> None:
    job = worked.ask(JobRequest(JobKind.RELOAD, "stopped", {"until": str(tmp_path / "enough")}))
    wait_for(worked, job, JobState.RUNNING)
    assert worked.cancel(job.id).state is JobState.CANCELLED
    (tmp_path / "enough").touch()  # so that the worker is free again


def test_a_job_that_has_ended_stays_as_it_is(worked: JobQueue) -> None:
    done = wait_for(worked, worked.ask(retrain("ended")), JobState.DONE)
    assert worked.cancel(done.id) == done


def test_a_job_that_killed_its_workers_has_failed_and_says_so(
    queue: JobQueue, queue_url: str
) -> None:
    job = queue.ask(retrain())
    write(queue_url, "recovery_attempts = 21, status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED'")
    failed = queue.get(job.id)
    assert (failed.state, failed.attempts) == (JobState.FAILED, 21)
    assert failed.error is not None
    assert failed.error.startswith("the worker died 20 times at it")
    assert queue.cancel(job.id) == failed


def test_events_are_numbered_and_told_from_any_number_on(worked: JobQueue) -> None:
    job = wait_for(worked, worked.ask(retrain("telling", tell=4)), JobState.DONE)
    events = worked.events(job.id)
    assert [event.number for event in events] == [0, 1, 2, 3]
    assert [event.content["count"] for event in events] == [0, 1, 2, 3]
    assert worked.events(job.id, after=1) == events[2:]
    assert worked.events(job.id, after=3) == []


def test_what_a_running_job_has_told_so_far_is_not_waited_for(
    worked: JobQueue, tmp_path: Path
) -> None:
    job = worked.ask(retrain("told", tell=2, until=str(tmp_path / "enough")))
    until = time.monotonic() + SOON
    while len(worked.events(job.id)) < 2:
        assert time.monotonic() < until
    assert worked.events(job.id, after=1) == []
    assert worked.get(job.id).state is JobState.RUNNING
    (tmp_path / "enough").touch()


def test_a_waiting_job_has_told_nothing(queue: JobQueue) -> None:
    assert queue.events(queue.ask(retrain()).id) == []


@pytest.fixture
def five(queue: JobQueue, queue_url: str) -> list[Job]:
    """Five jobs of two collections, oldest first, an hour between them."""
    asked = [queue.ask(retrain(name)) for name in ("a", "b")]
    asked += [queue.ask(JobRequest(kind, "b")) for kind in ("reload", "reindex", "evaluate")]
    for hours, job in enumerate(reversed(asked)):
        earlier = f"created_at = created_at - {hours * 3_600_000}"
        write(queue_url, f"{earlier} WHERE workflow_uuid = '{job.id}'")
    return [queue.get(job.id) for job in asked]


def test_jobs_are_listed_newest_first(queue: JobQueue, five: list[Job]) -> None:
    assert queue.list() == five[::-1]
    assert queue.list(limit=2) == five[:-3:-1]


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_the_jobs_of_a_collection_are_listed_however_many_others_are_newer(
    queue: JobQueue, five: list[Job], limit: int
) -> None:
    assert queue.list(collection="a", limit=limit) == five[:1]
    assert queue.list(collection="b", limit=limit) == five[:0:-1][:limit]
    assert queue.list(collection="c", limit=limit) == []


def test_an_empty_queue_lists_nothing(queue: JobQueue) -> None:
    assert queue.list() == []


def test_processes_that_start_together_all_open_a_new_queue(unmade_url: str) -> None:
    start_together(unmade_url)


def start_together(url: str) -> None:
    program = (
        "import sys, dbos; from molt.index.jobs.queue import JobQueue; "
        "print('ready', flush=True); sys.stdin.readline(); "
        f"queue = JobQueue({url!r}); print(queue.list()); queue.close()"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", program]
    starting = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(4)
    ]
    assert [process.stdout.readline() for process in starting] == ["ready\n"] * 4
    for process in starting:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate() for process in starting] == [("[]\n", "")] * 4


def test_a_queue_without_space_says_so_and_takes_jobs_again_when_there_is_some(
    tmp_path: Path,
) -> None:
    url = jobs_url(tmp_path, None)
    with closing(JobQueue(url)) as queue:
        first = queue.ask(JobRequest(JobKind.REINDEX, "a"))
        engine = queue._engine

        def limit(pages: int) -> None:
            engine.dispose()

            @event.listens_for(engine, "connect")
            def _configure(connection: Any, _record: object) -> None:
                connection.execute(f"PRAGMA max_page_count={pages}").close()

        limit(1)
        with pytest.raises(CatalogFullError, match="has no disk space left"):
            queue.ask(JobRequest(JobKind.REINDEX, "b", {"padding": "x" * 100_000}))
        assert queue.get(first.id).state is JobState.WAITING
        limit(10**6)
        assert queue.ask(JobRequest(JobKind.REINDEX, "b")).state is JobState.WAITING


def test_a_queue_that_is_no_database_says_so(tmp_path: Path) -> None:
    url = jobs_url(tmp_path, None)
    with closing(JobQueue(url)) as queue:
        queue.ask(JobRequest(JobKind.REINDEX, "a"))
    (tmp_path / "jobs.sqlite3").write_bytes(b"boots " * 1000)
    with pytest.raises(CatalogError, match="not an SQLite database"):
        JobQueue(url)


def test_a_queue_whose_file_was_removed_or_replaced_takes_no_job_that_nobody_would_find(
    tmp_path: Path,
) -> None:
    file = tmp_path / "jobs.sqlite3"
    with closing(JobQueue(jobs_url(tmp_path, None))) as queue:
        file.rename(tmp_path / "aside")
        with pytest.raises(CatalogError, match=r"jobs\.sqlite3 was removed"):
            queue.ask(JobRequest(JobKind.REINDEX, "a"))
        file.write_bytes(b"")
        with pytest.raises(CatalogError, match=r"jobs\.sqlite3 was replaced"):
            queue.ask(JobRequest(JobKind.REINDEX, "a"))
        (tmp_path / "aside").rename(file)
        assert queue.ask(JobRequest(JobKind.REINDEX, "a")).state is JobState.WAITING


def test_a_queue_whose_server_is_gone_says_so_and_works_when_it_is_back(
    postgresql_url: str, postgresql_server: PostgresqlServer
) -> None:
    with closing(JobQueue(postgresql_url)) as queue:
        job = queue.ask(JobRequest(JobKind.REINDEX, "a"))
        postgresql_server.stop()
        asking: list[Callable[[], object]] = [
            queue.list,
            lambda: queue.get(job.id),
            lambda: queue.cancel(job.id),
            lambda: queue.events(job.id),
            lambda: queue.ask(JobRequest(JobKind.MERGE, "a")),
            lambda: JobQueue(postgresql_url),
        ]
        try:
            for ask in asking:
                with pytest.raises(CatalogError, match="cannot be reached"):
                    ask()
        finally:
            postgresql_server.start()
        assert queue.list() == [job]
