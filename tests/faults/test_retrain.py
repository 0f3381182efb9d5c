"""The whole loop on a tiny collection: a worker killed in the midst of it still ends it, once."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from molt.app.engine import Engine
from molt.app.ranking import SearchQuery
from molt.app.settings import load_settings
from molt.encoder import Checkpoint, CheckpointStore
from molt.index.catalog import home_url, open_catalog
from molt.index.job_queue import JobQueue, jobs_url
from molt.index.jobs import Job, JobKind, JobRequest, JobState
from molt.training.config import TrainConfig, read_as
from molt.training.data.dataset import Dataset
from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.store import ReportStore
from tests.faults.swapping import armed, fired, wait_until
from tests.server import MOLT
from tests.training.fit.conftest import base, dataset
from tests.training.letters import FAST, write_letters

__all__ = ["base", "dataset"]

TRAINING = ("checkpoint.staged", "evaluation.measured")
"""One in each process that trains or judges: starting them is what takes the time."""

CONFIG = read_as(TrainConfig, None, settings=FAST).model_dump(mode="json", exclude_none=True)


@pytest.fixture
def home(tmp_path: Path, base: Checkpoint, dataset: Dataset) -> Path:
    """A home with the collection `letters`, indexed, and no NNCF for what runs over it."""
    (tmp_path / "fired").mkdir()
    (tmp_path / "site").mkdir()
    hiding = "import sys\nsys.modules['nncf'] = None\n"  # its calibration takes minutes
    (tmp_path / "site" / "sitecustomize.py").write_text(hiding)
    home = tmp_path / "home"
    home.mkdir()
    write_letters(home, base=base, dataset=dataset)
    with closing(opened(home, seal=True)) as engine:
        engine.start()
        revision = engine.catalog.collections.get("letters").revision
        assert engine.shelf.wait_indexed("letters", revision=revision, timeout=60)
    return home


@pytest.fixture
def queue(home: Path) -> Iterator[JobQueue]:
    with closing(JobQueue(jobs_url(home, None))) as queue:
        yield queue


def opened(home: Path, *, seal: bool) -> Engine:
    return Engine.open(load_settings(home=home, worker={"start": False}, index={"seal": seal}))


def environment(home: Path, **points: str) -> dict[str, str]:
    return armed(home, **points) | {"PYTHONPATH": str(home.parent / "site")}


def work(home: Path, queue: JobQueue, job: Job, points: list[str]) -> None:
    """Run a worker until the job has ended, or is at the first of `points`: it is killed there."""
    command = [str(MOLT), "worker", "--home", str(home), "--leash"]
    armed_at = environment(home, **dict.fromkeys(points, "sleep:600"))
    with subprocess.Popen(command, env=armed_at, stdin=subprocess.PIPE) as worker:
        before = {point for point in points if fired(home, point)}
        wait_until(
            lambda: (
                queue.get(job.id).state.ended
                or any(fired(home, point) for point in points if point not in before)
            )
        )
        worker.send_signal(signal.SIGKILL)


def ndcg(home: Path, dataset: Dataset) -> float:
    """Share of the test queries whose document comes first."""
    with closing(opened(home, seal=False)) as engine:
        engine.start()
        first = 0
        for query_id, query in dataset.test.queries.items():
            answer = engine.search(SearchQuery(query.text, "letters", k=1))
            first += answer.page.hits[0].id in dataset.test.qrels[query_id]
        return first / len(dataset.test.queries)


def retraining(**options: Any) -> JobRequest:
    return JobRequest(JobKind.RETRAIN, "letters", {"config": CONFIG} | options, "ann")


@pytest.mark.timeout(420)
def test_a_retrain_killed_while_it_trains_and_judges_promotes_what_an_undisturbed_one_would(
    home: Path, queue: JobQueue, dataset: Dataset, base: Checkpoint
) -> None:
    before = ndcg(home, dataset)
    job = queue.ask(retraining())
    left = list(TRAINING)
    while left:
        work(home, queue, job, left)
        done = {point for point in left if fired(home, point)}
        assert done, queue.get(job.id)
        left = [point for point in left if point not in done]
    work(home, queue, job, [])
    ended = queue.get(job.id)
    assert ended.state is JobState.DONE, ended.error
    assert ended.result["promoted"], ended.result
    made = CheckpointStore(home / "checkpoints").open(ended.result["checkpoint"])
    assert made.parent == base.id
    report = ReportStore(home / "reports").read(ended.result["report"])
    assert report.candidates[0].measures[PRIMARY].mean > before
    with closing(open_catalog(home_url(home))) as catalog:
        (latest, *_) = catalog.collections.releases("letters")
    assert (latest.generation, latest.reason.actor) == (ended.result["generation"], "ann")
    assert latest.reason.report == report.id
    assert ndcg(home, dataset) > before


def test_a_trainer_that_is_killed_for_memory_fails_its_job_and_what_served_serves_on(
    home: Path, queue: JobQueue, dataset: Dataset
) -> None:
    before = ndcg(home, dataset)
    job = queue.ask(retraining())
    command = [str(MOLT), "worker", "--home", str(home), "--leash"]
    armed_at = environment(home, **{"train.begun": "kill"})
    with subprocess.Popen(command, env=armed_at, stdin=subprocess.PIPE) as worker:
        wait_until(lambda: queue.get(job.id).state.ended)
        assert worker.poll() is None
    failed = queue.get(job.id)
    assert failed.state is JobState.FAILED
    assert "memory" in str(failed.error)
    assert ndcg(home, dataset) == before
