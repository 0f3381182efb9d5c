"""A checkpoint whose graph is broken never serves, says why, and lets everything else serve."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from molt.encoder import Checkpoint, Prompts
from molt.engine.errors import UnavailableError
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.releases import Reason
from molt.index.generations.generation import GenerationStore
from molt.index.jobs.job import JobKind, JobRequest, JobState
from molt.index.jobs.queue import JobQueue
from tests.checkpoints import DIMENSION, VOCABULARY, build_checkpoint, seal, write_graph
from tests.faults.homes import EVERYTHING, opened, pointed, served
from tests.faults.swapping import SOON, armed, fired, found, logged, seconds_to_answer
from tests.server import ServerProcess
from tests.waiting import wait_until
from tests.walks import shortened

pytestmark = pytest.mark.promise("P3", "a checkpoint that cannot serve")

Make = Callable[[Path], Checkpoint]


def not_a_number(home: Path) -> Checkpoint:
    """Its graph gives vectors of NaN, which nothing on disk tells."""
    made = build_checkpoint(home / "checkpoints", prompts=Prompts(query="nan: "))
    table = np.full((len(VOCABULARY), DIMENSION), np.nan, np.float32)
    write_graph(made.path / made.variants[0].graph, table)
    return seal(made)


def too_narrow(home: Path) -> Checkpoint:
    """Its manifest promises another dimension than its graph gives."""
    made = build_checkpoint(home / "checkpoints", prompts=Prompts(query="narrow: "))
    return seal(replace(made, dimension=DIMENSION + 1))


BROKEN = [(not_a_number, "not finite numbers"), (too_narrow, "not of the 9 numbers")]


@pytest.mark.parametrize(("make", "reason"), shortened(BROKEN))
def test_a_broken_graph_fails_the_reload_by_name_and_the_old_one_serves(
    home: Path, server: ServerProcess, make: Make, reason: str
) -> None:
    broken = make(home)
    server.environment = armed(home)
    server.start()
    assert server.ask("POST", "/collections", {"name": "empty"})[0] == 201
    before = collections(server)
    jobs = [reloaded(server, name, broken) for name in ("empty", "shop")]
    for job in jobs:
        assert job["state"] == "failed"
        assert reason in job["error"]
        assert broken.id in job["error"]
    told = [line["reason"] for line in logged(server.log, "job.failed")]
    assert told == [job["error"] for job in jobs]
    wait_until(lambda: len(server.ask("GET", "/readyz")[1]["problems"]) == len(jobs))
    status, ready = server.ask("GET", "/readyz")
    assert (status, ready["ready"]) == (200, True)
    for problem, job in zip(ready["problems"], jobs, strict=True):
        assert job["id"] in problem
        assert job["error"] in problem
    assert collections(server) == before
    assert found(server) == sorted(EVERYTHING)
    server.kill()
    assert seconds_to_answer(server) < SOON
    assert found(server) == sorted(EVERYTHING)


def collections(server: ServerProcess) -> dict[str, Any]:
    return server.ask("GET", "/collections")[1]


def reloaded(server: ServerProcess, name: str, checkpoint: Checkpoint) -> dict[str, Any]:
    """The job that reloads a collection, when it has ended."""
    body = {"collection": name, "checkpoint": checkpoint.id}
    status, job = server.ask("POST", "/admin/reload", body)
    assert status == 202
    path = f"/admin/jobs/{job['id']}"
    wait_until(lambda: server.ask("GET", path)[1]["state"] in {"done", "failed"})
    return server.ask("GET", path)[1]


@pytest.mark.parametrize("kind", shortened([JobKind.REINDEX, JobKind.MERGE]))
def test_a_job_that_began_under_another_checkpoint_does_not_bring_it_back(
    home: Path, queue: JobQueue, server: ServerProcess, kind: JobKind
) -> None:
    other = build_checkpoint(home / "checkpoints", prompts=Prompts(query="other: "))
    server.environment = armed(home, **{"flip.caught_up": "sleep:3"})
    server.start()
    job = queue.ask(JobRequest(kind, "shop"))
    wait_until(lambda: fired(home, "flip.caught_up"))
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.get("shop")
        made = GenerationStore(home / "generations").create(
            collection=collection.id, checkpoint=other.id, dimension=other.dimension
        )
        catalog.collections.point(
            "shop", generation=made.id, epoch_expected=collection.epoch, reason=Reason(text="moved")
        )
    wait_until(lambda: queue.get(job.id).state.ended)
    failed = queue.get(job.id)
    assert failed.state is JobState.FAILED
    assert failed.error is not None
    assert f"{other.id} serves now" in failed.error
    assert pointed(home) == made.id


@pytest.mark.parametrize(("make", "reason"), BROKEN)
def test_a_pointer_to_a_broken_graph_keeps_no_other_collection_from_serving(
    home: Path, make: Make, reason: str
) -> None:
    broken = make(home)
    with closing(open_catalog(home_url(home))) as catalog:
        empty = catalog.collections.create("empty")
        made = GenerationStore(home / "generations").create(
            collection=empty.id, checkpoint=broken.id, dimension=broken.dimension
        )
        catalog.collections.point(
            "empty", generation=made.id, epoch_expected=empty.epoch, reason=Reason(text="by hand")
        )
    hits, (problem,) = served(home)
    assert hits == EVERYTHING
    assert "'empty'" in problem
    assert reason in problem
    with (
        closing(opened(home, seal=False)) as engine,
        pytest.raises(UnavailableError, match=broken.id),
    ):
        engine.live_collections.get("empty")
