"""A SIGKILL at any step of a swap leaves one generation that serves, and the job goes on."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.generations.generation import GenerationStore
from molt.index.jobs.job import JobState
from molt.index.jobs.queue import JobQueue
from tests.faults.homes import BATCH, EVERYTHING, generations, orphans, pointed, served
from tests.faults.points import COLLECTING, SWAPPING
from tests.faults.swapping import (
    REINDEX,
    SOON,
    armed,
    fired,
    found,
    in_batches,
    searched,
    seconds_to_answer,
    work,
)
from tests.server import ServerProcess
from tests.waiting import wait_until

pytestmark = pytest.mark.promise("P2", "SIGKILL at each step of a swap")


def test_a_worker_killed_at_every_step_of_a_swap_goes_on_where_it_was(
    home: Path, queue: JobQueue
) -> None:
    before = pointed(home)
    environment = armed(home, **dict.fromkeys(SWAPPING, "kill")) | in_batches(BATCH)
    job = queue.ask(REINDEX)
    reached: list[str] = []
    while work(home, queue, job, environment) == -signal.SIGKILL:
        reached += [point for point in SWAPPING if fired(home, point) and point not in reached]
        assert served(home) == (EVERYTHING, ())
    assert tuple(reached) == SWAPPING
    done = queue.get(job.id)
    assert (done.state, done.attempts) == (JobState.DONE, len(SWAPPING) + 1)
    assert pointed(home) == done.result["generation"] != before
    assert orphans(home) == set()
    assert generations(home) == {before, pointed(home)}
    assert served(home) == (EVERYTHING, ())


@pytest.mark.walk
@pytest.mark.parametrize("home", ["postgresql"], indirect=True)
def test_a_worker_killed_about_the_flip_goes_on_where_it_was_on_postgresql(
    home: Path, queue: JobQueue
) -> None:
    before = pointed(home)
    points = ("generation.published", "flip.pointed", "flip.committed")
    environment = armed(home, **dict.fromkeys(points, "kill"))
    job = queue.ask(REINDEX)
    named: list[bool] = []
    while work(home, queue, job, environment) == -signal.SIGKILL:
        named.append(pointed(home) != before)
        assert served(home) == (EVERYTHING, ())
    assert named == [False, False, True]  # a pointer that was not committed names what it did
    done = queue.get(job.id)
    assert (done.state, done.attempts) == (JobState.DONE, 4)
    assert pointed(home) == done.result["generation"] != before
    assert orphans(home) == set()
    assert served(home) == (EVERYTHING, ())


def test_a_server_killed_in_a_swap_is_back_at_once_and_loses_no_document(
    home: Path, queue: JobQueue, server: ServerProcess
) -> None:
    server.environment = armed(home, **{"flip.caught_up": "sleep:600"})
    server.start()
    job = queue.ask(REINDEX)
    wait_until(lambda: fired(home, "flip.caught_up"))
    body = {"documents": [{"id": "late", "text": "thing that came late"}], "wait": False}
    assert server.ask("POST", "/collections/shop/documents", body)[0] == 200
    server.kill()
    assert seconds_to_answer(server) < SOON
    wait_until(lambda: queue.get(job.id).state is JobState.DONE)
    new = queue.get(job.id).result["generation"]
    wait_until(lambda: searched(server)[1]["generation"] == new)
    assert found(server) == sorted(EVERYTHING | {"late"})
    (worker,) = (
        each for each in psutil.Process(server.pid).children() if "worker" in each.cmdline()
    )
    assert server.stop() == 0
    assert not worker.is_running()


@pytest.mark.parametrize("point", COLLECTING)
def test_what_a_kill_leaves_of_a_collected_generation_goes_with_the_next_collection(
    home: Path, point: str
) -> None:
    store = GenerationStore(home / "generations")
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.get("shop")
    orphan = store.create(collection=collection.id, checkpoint="0" * 16, dimension=4)
    script = """
import sys
from pathlib import Path
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.generations.generation import GenerationStore
from molt.index.generations.retention import collect
home = Path(sys.argv[1])
collect(open_catalog(home_url(home)), GenerationStore(home / "generations"), retained=1)
"""
    command = [sys.executable, "-c", script, str(home)]
    environment = armed(home, **{point: "kill"})
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert orphan.id not in store.ids()
    (half,) = (entry for entry in store.root.iterdir() if entry.name.startswith("."))
    for entry in (half, *half.rglob("*")):
        os.utime(entry, (0, 0))
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    assert not half.exists()
    assert served(home) == (EVERYTHING, ())
