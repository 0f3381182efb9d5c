from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.app import supervisor
from molt.engine.settings import load_settings
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.jobs.job import JobKind, JobRequest
from molt.index.jobs.queue import JobQueue
from tests.cli.conftest import Molt
from tests.working import simple_worker


@pytest.fixture
def queue(molt: Molt, home: Path) -> Iterator[JobQueue]:
    """The queue of a home with one collection; nobody runs its jobs."""
    assert molt("collections", "create", "shop").status == 0
    with closing(JobQueue(load_settings(home=home).jobs)) as queue:
        yield queue


def ask(queue: JobQueue, kind: JobKind = JobKind.RETRAIN, **options: object) -> str:
    return queue.ask(JobRequest(kind, "shop", options, actor="ann")).id


def test_without_jobs_it_is_said_how_to_ask_for_one(molt: Molt, queue: JobQueue) -> None:
    assert molt("--json", "jobs", "list").value == {"jobs": []}
    done = molt("jobs", "list")
    assert (done.status, done.stdout) == (0, "")
    assert "molt retrain" in done.stderr


def test_jobs_are_listed_one_a_line(molt: Molt, queue: JobQueue) -> None:
    ids = {ask(queue), ask(queue, JobKind.REINDEX)}
    header, *lines = [line.split("\t") for line in molt("jobs", "list").stdout.splitlines()]
    assert header == ["id", "kind", "collection", "state", "actor", "created_at", "error"]
    assert {line[0] for line in lines} == ids
    assert {tuple(line[1:5]) for line in lines} == {
        ("retrain", "shop", "waiting", "ann"),
        ("reindex", "shop", "waiting", "ann"),
    }
    assert len(molt("--json", "jobs", "list", "--limit", "1").value["jobs"]) == 1


def test_a_job_is_shown(molt: Molt, queue: JobQueue) -> None:
    job = ask(queue, promote="never")
    shown = molt("--json", "jobs", "show", job).value
    assert (shown["id"], shown["state"], shown["options"]) == (job, "waiting", {"promote": "never"})
    lines = [line.split("\t") for line in molt("jobs", "show", job).stdout.splitlines()]
    assert lines == [["field", "value"], ["job", job], ["state", "waiting"]]


def test_a_job_is_cancelled_once_and_for_all(molt: Molt, queue: JobQueue) -> None:
    job = ask(queue)
    for _ in range(2):
        assert molt("--json", "jobs", "cancel", job).value["state"] == "cancelled"
    assert queue.get(job).state == "cancelled"


@pytest.mark.parametrize("command", ["show", "follow", "cancel", "dismiss"])
def test_an_unknown_job_is_an_error(molt: Molt, queue: JobQueue, command: str) -> None:
    done = molt("jobs", command, "none")
    assert done.status == 1
    assert "there is no job 'none'" in done.stderr


def test_following_what_has_ended_needs_no_worker(
    molt: Molt, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "supervised_worker", None)
    job = ask(queue)
    queue.cancel(job)
    done = molt("jobs", "follow", job)
    assert done.status == 1
    assert f"job {job} was cancelled" in done.stderr


def test_a_job_that_fails_fails_the_command_that_follows_it(
    molt: Molt, home: Path, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molt.cli.asking.worker_runs", lambda home: True)
    job = ask(queue, tell=2, fail="too few judged queries")
    with simple_worker(load_settings(home=home).jobs):
        done = molt("--json", "jobs", "follow", job)
    assert done.status == 1
    assert f"job {job} failed: too few judged queries" in done.stderr
    assert done.lines == [{"event": "told", "count": 0}, {"event": "told", "count": 1}]


@pytest.mark.usefixtures("quiet")
def test_where_no_worker_is_wanted_and_none_runs_it_is_said_so(
    molt: Molt, queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOLT_WORKER__START", "false")
    job = ask(queue)
    monkeypatch.setattr("molt.cli.asking.time.sleep", lambda seconds: queue.cancel(job))
    assert "`molt worker` runs one" in molt("jobs", "follow", job).stderr


def test_the_alarm_of_a_failed_job_is_taken_back(molt: Molt, home: Path, queue: JobQueue) -> None:
    job = ask(queue)
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.failures.note("shop", kind="retrain", job=job, reason="too few")
        assert molt("jobs", "dismiss", job[:8]).status == 0
        assert catalog.failures.list() == ()
        assert catalog.failures.noted() == {job}
        catalog.failures.note("shop", kind="retrain", job="another", reason="again")
        assert [failure.job for failure in catalog.failures.list()] == ["another"]


def test_a_job_is_found_by_how_its_id_alone_begins(molt: Molt, queue: JobQueue) -> None:
    job = ask(queue)
    assert molt("--json", "jobs", "show", job[:4]).value["id"] == job
    assert molt("jobs", "show", job[:3]).status == 1
    assert molt("--json", "jobs", "cancel", job[:6]).value["state"] == "cancelled"
