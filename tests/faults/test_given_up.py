"""A job that kills one worker after another is given up, and that is told until it is made good."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from molt.engine.settings import load_settings
from molt.index.catalog.catalog import open_catalog
from molt.index.jobs.database import create_jobs_engine
from molt.index.jobs.job import Job, JobKind, JobRequest, JobState
from molt.index.jobs.queue import JobQueue
from tests.faults.homes import recreated
from tests.faults.swapping import REINDEX, armed, work
from tests.walks import shortened

pytestmark = pytest.mark.promise("P4", "a job at which one worker after another dies")


def after_deaths(home: Path, job: Job, deaths: int) -> None:
    """Let the queue know of so many workers that died at the job."""
    engine = create_jobs_engine(load_settings(home=home).jobs)
    table = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"
    with engine.begin() as connection:
        statement = text(f"UPDATE {table} SET recovery_attempts = :n WHERE workflow_uuid = :id")
        connection.execute(statement, {"n": deaths, "id": job.id})
    engine.dispose()


def failures(home: Path) -> list[str]:
    """The jobs that are told to have failed."""
    with closing(open_catalog(load_settings(home=home).catalog)) as catalog:
        return [failure.job for failure in catalog.failures.list()]


def run(home: Path, queue: JobQueue, request: JobRequest) -> Job:
    job = queue.ask(request)
    work(home, queue, job, armed(home))
    return queue.get(job.id)


def test_a_job_at_which_nineteen_workers_died_is_begun_once_more(
    home: Path, queue: JobQueue
) -> None:
    job = queue.ask(REINDEX)
    after_deaths(home, job, 19)
    work(home, queue, job, armed(home))
    assert queue.get(job.id).state is JobState.DONE


@pytest.mark.parametrize("home", shortened(["sqlite", "postgresql"]), indirect=True)
def test_a_job_at_which_twenty_workers_died_is_told_as_failed_until_it_is_made_good(
    home: Path, queue: JobQueue
) -> None:
    job = queue.ask(REINDEX)
    after_deaths(home, job, 20)
    work(home, queue, job, armed(home))
    given_up = queue.get(job.id)
    assert given_up.state is JobState.FAILED
    assert given_up.error is not None
    assert given_up.error.startswith("the worker died 20 times at it")

    merge = JobRequest(JobKind.MERGE, "shop")
    assert run(home, queue, merge).state is JobState.DONE
    assert failures(home) == [job.id]

    assert run(home, queue, REINDEX).state is JobState.DONE
    assert run(home, queue, merge).state is JobState.DONE
    assert failures(home) == []


def test_a_job_that_is_given_up_is_not_told_of_a_later_collection_of_the_same_name(
    home: Path, queue: JobQueue
) -> None:
    with closing(open_catalog(load_settings(home=home).catalog)) as catalog:
        shop = catalog.collections.get("shop")
    job = queue.ask(replace(REINDEX, collection_id=shop.id))
    after_deaths(home, job, 20)
    recreated(home)
    work(home, queue, job, armed(home))
    assert queue.get(job.id).state is JobState.FAILED
    assert run(home, queue, JobRequest(JobKind.MERGE, "shop")).state.ended
    assert job.id not in failures(home)
