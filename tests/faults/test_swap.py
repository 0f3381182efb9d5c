"""A SIGKILL at any step of a swap leaves one generation that serves, and the job goes on."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from molt.app.engine import Engine
from molt.app.ranking import SearchQuery
from molt.app.settings import load_settings
from molt.index.catalog import home_url, open_catalog
from molt.index.generation import GenerationStore
from molt.index.job_queue import JobQueue, jobs_url
from molt.index.jobs import Job, JobKind, JobRequest, JobState
from tests.faults.swapping import armed, fired, wait_until
from tests.server import MOLT, ServerProcess, make_home

EVERYTHING = {f"d{n}" for n in range(40)}
REINDEX = JobRequest(JobKind.REINDEX, "shop")
SWAPPING = (
    "build.created",
    "segment.sealed",
    "generation.published",
    "flip.caught_up",
    "flip.pointed",
    "flip.committed",
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, default_checkpoint: Path) -> Path:
    """A home with a few documents, to be copied by each test."""
    home = make_home(tmp_path_factory.mktemp("swap"), default_checkpoint)
    with ServerProcess(home) as server:
        assert server.ask("POST", "/collections", {"name": "shop"})[0] == 201
        documents = [{"id": doc_id, "text": f"thing {doc_id}"} for doc_id in EVERYTHING]
        body = {"documents": documents, "wait": True}
        assert server.ask("POST", "/collections/shop/documents", body)[1]["indexed"]
        server.stop()
    return home


@pytest.fixture
def home(shop: Path, tmp_path: Path) -> Path:
    (tmp_path / "fired").mkdir()
    return Path(shutil.copytree(shop, tmp_path / "home"))


@pytest.fixture
def queue(home: Path) -> Iterator[JobQueue]:
    with closing(JobQueue(jobs_url(home, None))) as queue:
        yield queue


@pytest.fixture
def server(home: Path) -> Iterator[ServerProcess]:
    """Not started yet."""
    server = ServerProcess(home)
    yield server
    server.kill()


def work(home: Path, queue: JobQueue, job: Job, environment: dict[str, str]) -> int:
    """Run a worker until the job has ended or the worker dies; its status, 0 if the job ended."""
    command = [str(MOLT), "worker", "--home", str(home), "--leash"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as worker:
        wait_until(lambda: worker.poll() is not None or queue.get(job.id).state.ended)
        return worker.poll() or 0


def served(home: Path) -> tuple[set[str], tuple[str, ...]]:
    """What a service that starts now finds, and what it says is wrong."""
    settings = load_settings(home=home, worker={"start": False}, index={"seal": False})
    with closing(Engine.open(settings)) as engine:
        engine.start()
        answer = engine.search(SearchQuery("thing", "shop", k=1000))
        return {hit.id for hit in answer.page.hits}, engine.readiness().problems


def pointed(home: Path) -> str | None:
    with closing(open_catalog(home_url(home))) as catalog:
        return catalog.collections.get("shop").generation


def test_a_worker_killed_at_every_step_of_a_swap_goes_on_where_it_was(
    home: Path, queue: JobQueue
) -> None:
    before = pointed(home)
    environment = armed(home, **dict.fromkeys(SWAPPING, "kill"))
    job = queue.ask(REINDEX)
    kills = 0
    while work(home, queue, job, environment) == -signal.SIGKILL:
        kills += 1
        assert served(home) == (EVERYTHING, ())
    assert kills == len(SWAPPING)
    assert all(fired(home, point) for point in SWAPPING)
    done = queue.get(job.id)
    assert (done.state, done.attempts) == (JobState.DONE, kills + 1)
    assert pointed(home) == done.result["generation"] != before
    assert set(GenerationStore(home / "generations").ids()) == {before, pointed(home)}


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
    server.start()
    wait_until(lambda: queue.get(job.id).state is JobState.DONE)
    body = {"query": "thing", "collection": "shop", "k": 1000, "include": []}

    def searched() -> dict[str, Any]:
        return server.ask("POST", "/search", body)[1]

    wait_until(lambda: searched()["generation"] == queue.get(job.id).result["generation"])
    answer = searched()
    assert {hit["id"] for hit in answer["hits"]} == EVERYTHING | {"late"}
    (worker,) = (
        each for each in psutil.Process(server.pid).children() if "worker" in each.cmdline()
    )
    assert server.stop() == 0
    assert not worker.is_running()


def test_a_disk_that_is_full_fails_the_job_and_the_old_generation_serves(
    home: Path, queue: JobQueue
) -> None:
    before = pointed(home)
    job = queue.ask(REINDEX)
    work(home, queue, job, armed(home, **{"segment.sealed": "full"}))
    failed = queue.get(job.id)
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    assert "No space left on device" in failed.error
    assert pointed(home) == before
    found, (problem,) = served(home)
    assert found == EVERYTHING
    assert failed.error in problem


def test_what_a_kill_leaves_of_a_collected_generation_goes_with_the_next_collection(
    home: Path,
) -> None:
    store = GenerationStore(home / "generations")
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.get("shop")
    orphan = store.create(collection=collection.id, checkpoint="0" * 16, dimension=4)
    script = """
import sys
from pathlib import Path
from molt.index.catalog import home_url, open_catalog
from molt.index.generation import GenerationStore
from molt.index.retention import collect
home = Path(sys.argv[1])
collect(open_catalog(home_url(home)), GenerationStore(home / "generations"), retained=1)
"""
    command = [sys.executable, "-c", script, str(home)]
    environment = armed(home, **{"collect.renamed": "kill"})
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    assert orphan.id not in store.ids()
    (half,) = (entry for entry in store.root.iterdir() if entry.name.startswith("."))
    for entry in (half, *half.rglob("*")):
        os.utime(entry, (0, 0))
    assert subprocess.run(command, env=environment, check=False).returncode == 0
    assert not half.exists()
    assert served(home) == (EVERYTHING, ())
