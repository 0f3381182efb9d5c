"""A generation that is damaged while it is made or served is found out, and no other suffers."""

import signal
from pathlib import Path

import pytest

from molt.index.jobs.job import JobState
from molt.index.jobs.queue import JobQueue
from molt.index.segments.merge import FAN
from tests.damage import flip_a_bit
from tests.faults.homes import BATCH, EVERYTHING, generations, orphans, pointed, served
from tests.faults.swapping import (
    REINDEX,
    armed,
    found,
    in_batches,
    logged,
    searched,
    work,
    worker_log,
)
from tests.server import ServerProcess
from tests.waiting import wait_until
from tests.walks import shortened

pytestmark = pytest.mark.promise("P3", "damage while a generation is made or served")


def made(home: Path, *, beside: str | None) -> Path:
    """The generation that lies in the home beside another one."""
    (new,) = generations(home) - {beside}
    return home / "generations" / new


def write(server: ServerProcess, late: set[str]) -> None:
    documents = [{"id": doc_id, "text": f"thing {doc_id}"} for doc_id in sorted(late)]
    body = {"documents": documents, "wait": False}
    assert server.ask("POST", "/collections/shop/documents", body)[0] == 200


def generations_until(server: ServerProcess, late: set[str]) -> set[str]:
    """Which ones answer until what was written late is found; nothing else is ever missed."""
    seen: set[str] = set()
    while True:
        answer = searched(server)[1]
        hits = {hit["id"] for hit in answer["hits"]}
        assert hits - late == EVERYTHING
        if late <= hits:
            return seen
        seen.add(answer["generation"])


@pytest.mark.parametrize(
    ("point", "name"),
    shortened([("build.advanced", "vectors.npy"), ("flip.caught_up", "generation.json")]),
)
def test_what_is_damaged_between_two_workers_fails_the_job_by_name(
    home: Path, queue: JobQueue, point: str, name: str
) -> None:
    before = pointed(home)
    environment = armed(home, **{point: "kill"}) | in_batches(BATCH)
    job = queue.ask(REINDEX)
    assert work(home, queue, job, environment) == -signal.SIGKILL
    (damaged, *_) = made(home, beside=before).rglob(name)
    flip_a_bit(damaged)
    assert work(home, queue, job, environment) == 0
    failed = queue.get(job.id)
    assert failed.state is JobState.FAILED
    assert str(damaged) in str(failed.error)
    (line,) = logged(worker_log(home), "job.failed")
    assert line["reason"] == failed.error
    hits, (problem,) = served(home)
    assert hits == EVERYTHING
    assert str(failed.error) in problem
    assert orphans(home) == set()
    assert generations(home) == {before} == {pointed(home)}


def test_what_is_damaged_after_the_flip_is_refused_and_made_anew_while_the_old_one_serves(
    home: Path, queue: JobQueue, server: ServerProcess
) -> None:
    before = pointed(home)
    server.environment["MOLT_INDEX__POLL_SECONDS"] = "600"  # it looks when it is written to
    server.start()
    job = queue.ask(REINDEX)
    environment = armed(home, **{"flip.committed": "kill"})
    assert work(home, queue, job, environment) == -signal.SIGKILL
    flipped = made(home, beside=before)
    assert pointed(home) == flipped.name
    (damaged, *_) = flipped.rglob("vectors.npy")
    flip_a_bit(damaged)
    assert work(home, queue, job, environment) == 0
    assert queue.get(job.id).state is JobState.DONE
    write(server, {"late"})
    assert generations_until(server, {"late"}) <= {before}
    assert searched(server)[1]["generation"] not in {before, flipped.name}
    (refused, *_) = logged(server.log, "refresh.refused")
    assert str(damaged) in refused["reason"]
    assert server.ask("GET", "/readyz") == (200, {"ready": True, "problems": []})


def test_what_is_damaged_while_it_serves_is_found_by_the_next_merge_and_made_anew(
    home: Path, server: ServerProcess
) -> None:
    before = pointed(home)
    server.environment |= in_batches(1)
    server.start()
    (damaged,) = (home / "generations").rglob("vectors.npy")
    write(server, {"late0"})
    generations_until(server, {"late0"})  # the writer has opened it
    flip_a_bit(damaged)
    late = {f"late{n}" for n in range(FAN - 1)}
    write(server, late - {"late0"})
    generations_until(server, late)
    wait_until(lambda: searched(server)[1]["generation"] != before)
    assert found(server) == sorted(EVERYTHING | late)
    assert str(damaged) in logged(server.log, "indexing.failed")[0]["reason"]
    wait_until(lambda: server.ask("GET", "/readyz") == (200, {"ready": True, "problems": []}))
