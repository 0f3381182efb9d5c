"""What waits for a worker is told in one statement, without the library that runs jobs."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from molt.index.errors import CatalogError
from molt.index.jobs.database import jobs_url
from molt.index.jobs.job import JobKind, JobRequest
from molt.index.jobs.queue import JobQueue
from molt.index.jobs.waiting import WaitingJobs
from tests.index.jobs.databases import write

RETRAIN = JobRequest(JobKind.RETRAIN, "shop", {}, actor="ops")
OTHER = JobRequest(JobKind.RETRAIN, "other", {}, actor="ops")


@pytest.fixture
def waiting(queue_url: str) -> Iterator[WaitingJobs]:
    with closing(WaitingJobs(queue_url)) as waiting:
        yield waiting


def test_a_queue_that_nobody_has_made_holds_nothing_and_is_not_made(
    unmade_url: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        waiting = stack.enter_context(closing(WaitingJobs(unmade_url)))
        assert not waiting.any()
        assert not waiting.any_given_up()
        assert list(tmp_path.iterdir()) == []
        queue = stack.enter_context(closing(JobQueue(unmade_url)))
        assert not waiting.any()
        queue.ask(RETRAIN)
        assert waiting.any()


def test_a_file_without_tables_holds_nothing_yet(tmp_path: Path) -> None:
    url = jobs_url(tmp_path, None)
    (tmp_path / "jobs.sqlite3").touch()
    with closing(WaitingJobs(url)) as waiting:
        assert not waiting.any()
        with closing(JobQueue(url)) as queue:
            queue.ask(RETRAIN)
        assert waiting.any()


def test_something_waits_until_every_job_has_ended(waiting: WaitingJobs, queue: JobQueue) -> None:
    assert not waiting.any()
    first, second = queue.ask(RETRAIN), queue.ask(OTHER)
    assert waiting.any()
    queue.cancel(first.id)
    assert waiting.any()
    queue.cancel(second.id)
    assert not waiting.any()


@pytest.mark.parametrize("state", ["PENDING", "DELAYED"])
def test_a_job_that_was_begun_or_put_off_is_one_that_waits(
    waiting: WaitingJobs, queue: JobQueue, queue_url: str, state: str
) -> None:
    queue.ask(RETRAIN)
    write(queue_url, f"status = '{state}'")
    assert waiting.any()


def test_a_job_that_was_begun_too_often_is_told_and_waits_no_more(
    waiting: WaitingJobs, queue: JobQueue, queue_url: str
) -> None:
    queue.ask(RETRAIN)
    assert not waiting.any_given_up()
    write(queue_url, "status = 'MAX_RECOVERY_ATTEMPTS_EXCEEDED'")
    assert waiting.any_given_up()
    assert not waiting.any()


def test_a_queue_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite3").write_bytes(b"boots " * 1000)
    with (
        closing(WaitingJobs(jobs_url(tmp_path, None))) as waiting,
        pytest.raises(CatalogError, match="not an SQLite database"),
    ):
        waiting.any()


def test_whoever_only_looks_loads_no_library_of_jobs(tmp_path: Path) -> None:
    url = jobs_url(tmp_path, None)
    with closing(JobQueue(url)) as queue:
        queue.ask(RETRAIN)
    program = (
        "import sys; from molt.index.jobs.waiting import WaitingJobs; "
        f"print(WaitingJobs({url!r}).any(), 'dbos' in sys.modules)"
    )
    looked = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert looked.stdout == "True False\n"
