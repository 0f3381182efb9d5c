"""The whole loop on a tiny collection: a worker killed in the midst of it still ends it, once."""

import signal
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from molt.encoder import Checkpoint, CheckpointStore
from molt.engine.search.query import SearchQuery
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.jobs.job import Job, JobKind, JobRequest, JobState
from molt.index.jobs.queue import JobQueue
from molt.training.data.dataset import Dataset
from molt.training.evaluation.measures import PRIMARY
from molt.training.evaluation.store import ReportStore
from tests.faults.homes import generations, opened, orphans, pointed
from tests.faults.learning import CONFIG, environment, home, letters
from tests.faults.points import STARTED, TRAINING
from tests.faults.swapping import fired, work
from tests.walks import shortened

pytestmark = pytest.mark.promise("P4", "SIGKILL at each step of a retraining")

__all__ = ["home", "letters"]


def first_hits(home: Path, dataset: Dataset) -> float:
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


def ended(home: Path, queue: JobQueue, job: Job) -> dict[str, Any]:
    """What the job made when it has ended, with nothing in its way."""
    work(home, queue, job, environment(home))
    found = queue.get(job.id)
    assert found.state is JobState.DONE, found.error
    return found.result


@pytest.mark.timeout(420)
@pytest.mark.parametrize("points", shortened([[*TRAINING[-1:]], [*TRAINING]]), ids=["last", "all"])
def test_a_retrain_killed_while_it_trains_and_judges_ends_and_its_candidate_serves_once_accepted(
    home: Path, queue: JobQueue, dataset: Dataset, base: Checkpoint, points: Sequence[str]
) -> None:
    former, before = pointed(home, "letters"), first_hits(home, dataset)
    job = queue.ask(retraining(config=CONFIG | {"gate": {"min_queries": 10_000}}))
    for point in points:
        armed_at = environment(home, **{point: "sleep:600"})
        status = work(home, queue, job, armed_at, until=partial(fired, home, point))
        assert status == -signal.SIGKILL, queue.get(job.id)
        assert (pointed(home, "letters"), first_hits(home, dataset)) == (former, before)
    refused = ended(home, queue, job)
    assert (refused["promoted"], refused["baseline"]) == (False, base.id)
    assert refused["refused"] == refused["decision"]["reasons"]
    assert any("too few to decide" in reason for reason in refused["refused"])
    assert (pointed(home, "letters"), first_hits(home, dataset)) == (former, before)
    accepted = ended(home, queue, queue.ask(retraining()))
    assert accepted["promoted"], accepted
    assert accepted["checkpoint"] == refused["checkpoint"]
    made = CheckpointStore(home / "checkpoints").open(accepted["checkpoint"])
    assert made.parent == base.id
    report = ReportStore(home / "reports").read(accepted["report"])
    assert report.baseline is not None
    assert report.candidates[0].measures[PRIMARY].mean > report.baseline.measures[PRIMARY].mean
    with closing(open_catalog(home_url(home))) as catalog:
        (latest, *_) = catalog.collections.releases("letters")
        (account,) = catalog.accounts.list(catalog.collections.get("letters"))
    (spent,) = account.spendings  # however often the candidate was judged
    assert (spent.candidate, spent.level, spent.gained) == (made.id, 0.05, True)
    assert spent.report == report.id
    assert (latest.generation, latest.reason.actor) == (accepted["generation"], "ann")
    assert latest.reason.report == report.id
    assert first_hits(home, dataset) > before
    assert orphans(home) == set()
    assert generations(home) == {former, latest.generation}
    assert set(CheckpointStore(home / "checkpoints").ids()) == {base.id, made.id}


@pytest.mark.parametrize("point", STARTED)
def test_a_trainer_that_is_killed_for_memory_fails_its_job_and_what_served_serves_on(
    home: Path, queue: JobQueue, dataset: Dataset, point: str
) -> None:
    before = first_hits(home, dataset)
    job = queue.ask(retraining())
    assert work(home, queue, job, environment(home, **{point: "kill"})) == 0
    assert fired(home, point)
    failed = queue.get(job.id)
    assert failed.state is JobState.FAILED
    assert "memory" in str(failed.error)
    assert first_hits(home, dataset) == before
    assert orphans(home) == set()
