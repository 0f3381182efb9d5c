"""A job belongs to the collection that it was asked for, and to no later one of its name."""

from contextlib import closing
from pathlib import Path

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.collection import Collection
from molt.index.jobs.job import JobKind, JobRequest, JobState
from molt.index.jobs.queue import JobQueue
from tests.faults.homes import recreated
from tests.faults.swapping import armed, fired, work
from tests.server import ServerProcess


def untouched(home: Path, made: Collection) -> bool:
    with closing(open_catalog(home_url(home))) as catalog:
        return catalog.collections.get("shop") == made and not catalog.failures.list()


def test_a_job_that_was_asked_for_of_a_deleted_collection_ends_with_a_sentence(
    home: Path, server: ServerProcess, queue: JobQueue
) -> None:
    with server:
        status, job = server.ask("POST", "/admin/reindex", {"collection": "shop"})
        assert status == 202
        server.stop()
    made = recreated(home)
    work(home, queue, queue.get(job["id"]), armed(home))
    ended = queue.get(job["id"])
    assert ended.state is JobState.FAILED
    assert "has been deleted" in str(ended.error)
    assert untouched(home, made)


def test_a_job_whose_collection_was_exchanged_while_its_worker_was_dead_touches_nothing(
    home: Path, queue: JobQueue
) -> None:
    job = queue.ask(JobRequest(JobKind.REINDEX, "shop", {}))
    environment = armed(home, **{"flip.caught_up": "kill"})
    assert work(home, queue, job, environment) != 0
    assert fired(home, "flip.caught_up")
    made = recreated(home)
    work(home, queue, job, environment)
    ended = queue.get(job.id)
    assert ended.state is JobState.FAILED
    assert "deleted" in str(ended.error)
    with closing(open_catalog(home_url(home))) as catalog:
        assert catalog.collections.get("shop") == made
