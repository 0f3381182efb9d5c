"""Jobs from the request to what they made, by a worker: merge, export, tune, retrain."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copytree

import pytest

from molt.artifact import Home
from molt.encoder import Checkpoint, CheckpointStore
from molt.encoder.checkpoint import CHECKPOINT_MANIFEST
from molt.index.catalog.catalog import home_url, open_catalog
from molt.index.catalog.document import Document
from molt.index.catalog.releases import Reason
from molt.index.generations.generation import GenerationStore
from molt.index.jobs.job import MODEL, Job, JobKind, JobRequest, JobState, new_job_id
from molt.index.jobs.queue import JobQueue
from molt.index.passages.splitting import Splitting
from molt.index.ranking.ranking import DEFAULT_RANKING, SearchRanking, parse_ranking
from molt.index.ranking.reranking import Reranking, RerankKind
from molt.training.config import RetrainConfig, validated
from molt.training.evaluation.store import ReportStore
from tests.faults.conftest import queue
from tests.faults.homes import opened, pointed
from tests.faults.learning import CONFIG, environment, home, letters
from tests.faults.swapping import in_batches, worker_log
from tests.forking import fork
from tests.waiting import wait_until

__all__ = ["home", "letters", "queue"]


@contextmanager
def working(home: Path) -> Iterator[None]:
    """A worker of the home, for as long as the block lasts."""
    command = ("worker", "--home", str(home), "--supervised")
    environ = environment(home) | in_batches(50)
    with worker_log(home).open("ab") as log:
        worker = fork("molt", *command, environment=environ, stderr=log.fileno())
    with worker:
        yield
        worker.kill()


@pytest.fixture
def worked(home: Path) -> Iterator[None]:
    with working(home):
        yield


def done(queue: JobQueue, request: JobRequest, *, job_id: str | None = None) -> Job:
    job = queue.ask(request, job_id=job_id)
    wait_until(lambda: queue.get(job.id).state.ended)
    ended = queue.get(job.id)
    assert ended.state is JobState.DONE, ended.error
    return ended


def scatter(home: Path) -> None:
    """Write documents one by one, each a segment, and delete every second one again."""
    with closing(opened(home, seal=True)) as engine:
        engine.start()
        collection = engine.catalog.collections.get("letters")
        for number in range(6):
            body = Document(f"more{number}", "", f"one more {number}", {})
            revision = engine.catalog.documents.upsert(collection, [body]).revision
            assert engine.live_collections.wait_indexed("letters", revision=revision, timeout=60)
        for number in range(0, 6, 2):
            engine.catalog.documents.delete(collection, f"more{number}")


@pytest.mark.usefixtures("worked")
def test_a_reindex_splits_texts_as_the_collection_now_says(home: Path, queue: JobQueue) -> None:
    store = GenerationStore(home / "generations")
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.split("letters", Splitting(tokens=16))
        text = " ".join(f"The letter number {number} was lost." for number in range(30))
        catalog.documents.upsert(collection, [Document("long", text)])
        ended = done(queue, JobRequest(JobKind.REINDEX, "letters", {}, actor="test"))
        assert ended.result is not None
        made = store.read(str(ended.result["generation"]))
        documents = catalog.collections.get("letters").documents
    assert made.splitting == Splitting(tokens=16)
    assert made.n_rows > documents + 10


@pytest.mark.usefixtures("worked")
def test_a_merge_leaves_one_segment_without_the_deleted(home: Path, queue: JobQueue) -> None:
    scatter(home)
    result = done(queue, JobRequest(JobKind.MERGE, "letters")).result
    manifest = GenerationStore(home / "generations").read(result["generation"])
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.get("letters")
    assert collection.generation == manifest.id
    assert sum(entry.n_rows for entry in manifest.segments) == collection.documents
    assert len(manifest.segments) == 1


@pytest.mark.usefixtures("worked")
def test_an_evaluation_tells_what_the_gate_would_decide_and_moves_nothing(
    home: Path, queue: JobQueue, base: Checkpoint
) -> None:
    before = pointed(home, "letters")
    options = {"checkpoint": base.id, "config": {"gate": {"min_queries": 10_000}}}
    result = done(queue, JobRequest(JobKind.EVALUATE, "letters", options)).result
    told = {"checkpoint", "baseline", "report", "decision", "notes", "ranking", "tuning"}
    assert result.keys() == told
    assert result["checkpoint"] == result["baseline"] == base.id
    assert ReportStore(home / "reports").read(result["report"]).plan.split == "test"
    assert not result["decision"]["accepted"]
    assert any("too few to decide" in reason for reason in result["decision"]["reasons"])
    assert result["notes"] == []
    assert pointed(home, "letters") == before


@pytest.mark.usefixtures("worked")
def test_an_uploaded_model_becomes_a_checkpoint_that_it_names(
    home: Path, queue: JobQueue, base: Checkpoint
) -> None:
    job_id = new_job_id()
    folder = Home(home).job_folders / job_id
    copytree(base.path, folder / MODEL)
    (folder / MODEL / CHECKPOINT_MANIFEST).unlink()
    store = CheckpointStore(home / "checkpoints")
    store.remove(base.id)
    request = JobRequest(JobKind.EXPORT, None, {"name": "--acme/boots"})
    made = store.open(done(queue, request, job_id=job_id).result["checkpoint"])
    assert (made.id, made.base_model) == (base.id, "--acme/boots")
    assert not folder.exists()


@pytest.mark.usefixtures("worked")
def test_tuning_finds_a_configuration_that_a_retraining_takes(home: Path, queue: JobQueue) -> None:
    request = JobRequest(JobKind.TUNE, "letters", {"config": CONFIG, "trials": 1})
    result = done(queue, request).result
    assert (result["trials"], result["stopped"]) == (1, 0)
    assert result["ndcg10"] >= result["base_ndcg10"] > 0
    found = validated(RetrainConfig, result["config"])
    assert found.run.epochs == CONFIG["run"]["epochs"]
    assert found.optimiser != validated(RetrainConfig, CONFIG).optimiser


def released(home: Path) -> list[tuple[str, SearchRanking | None]]:
    """Why the pointer was moved, newest first, and how searches rank since then."""
    with closing(open_catalog(home_url(home))) as catalog:
        found = catalog.collections.releases("letters")
    return [(one.reason.text.partition(",")[0], one.ranking) for one in found]


def go_back(home: Path) -> SearchRanking | None:
    with closing(opened(home, seal=False)) as engine:
        engine.start()
        engine.releaser.rollback("letters", reason=Reason("ann", "back"))
        return engine.live_collections.get("letters").collection.ranking


@pytest.mark.usefixtures("worked")
def test_a_search_is_tuned_to_a_release_that_a_rollback_takes_back(
    home: Path, queue: JobQueue
) -> None:
    options = {"config": CONFIG, "promote": "never"}
    before, served = released(home), pointed(home, "letters")
    told = done(queue, JobRequest(JobKind.TUNE_SEARCH, "letters", options)).result
    assert (told["changed"], told["released"]) == (True, False)
    assert told["ndcg10"]["tuned"] > told["ndcg10"]["hybrid"]
    assert released(home) == before
    found = done(queue, JobRequest(JobKind.TUNE_SEARCH, "letters", {"config": CONFIG})).result
    assert (found["released"], found["kept"], found["queries"]) == (True, True, 20)
    tuned = parse_ranking(found["ranking"])
    assert tuned != DEFAULT_RANKING
    assert released(home) == [("tune-search", tuned), *before]
    assert pointed(home, "letters") == served
    again = done(queue, JobRequest(JobKind.TUNE_SEARCH, "letters", {"config": CONFIG})).result
    assert (again["changed"], again["released"]) == (False, False)
    assert go_back(home) is None
    assert pointed(home, "letters") == served


@pytest.mark.usefixtures("worked")
def test_a_retraining_releases_its_encoder_with_the_ranking_that_it_was_judged_by(
    home: Path, queue: JobQueue
) -> None:
    before, served = released(home), pointed(home, "letters")
    gate = {"require": "non-inferiority", "margin": 0.5}
    config = CONFIG | {"gate": gate, "evaluation": {"mode": "serving"}}
    result = done(queue, JobRequest(JobKind.RETRAIN, "letters", {"config": config})).result
    assert result["promoted"], result
    tuned = parse_ranking(result["ranking"])
    assert released(home) == [("retrain", tuned), *before]
    report = ReportStore(home / "reports").read(result["report"])
    assert report.plan.mode == "hybrid"
    assert report.baseline is not None
    assert report.baseline.ranking == DEFAULT_RANKING.describe()
    assert report.candidates[0].ranking == tuned.describe()
    assert report.tuning == result["tuning"]
    assert report.comparisons[0].alone is not None
    assert go_back(home) is None
    assert pointed(home, "letters") == served


@pytest.mark.usefixtures("worked")
def test_a_reload_is_released_with_its_reason_its_report_and_the_ranking_that_it_names(
    home: Path, queue: JobQueue, base: Checkpoint
) -> None:
    tuned = SearchRanking(rerank=Reranking(RerankKind.TOKENS, depth=7, weight=0.3))
    options = {
        "checkpoint": base.id,
        "reason": "to look at it",
        "report": "a1" * 8,
        "ranking": tuned.describe(),
    }
    ended = done(queue, JobRequest(JobKind.RELOAD, "letters", options, actor="ann"))
    with closing(open_catalog(home_url(home))) as catalog:
        move = catalog.collections.releases("letters")[0]
    assert move.reason == Reason("ann", f"reload, job {ended.id}: to look at it", "a1" * 8)
    assert move.ranking == tuned


def test_a_worker_removes_what_jobs_kept_that_ended_without_one(
    home: Path, queue: JobQueue
) -> None:
    cancelled, forgotten, coming = (Home(home).job_folders / new_job_id() for _ in range(3))
    for folder in (cancelled, forgotten, coming):
        (folder / MODEL).mkdir(parents=True)
    queue.ask(JobRequest(JobKind.EXPORT, None, {"name": "m"}), job_id=cancelled.name)
    queue.cancel(cancelled.name)
    os.utime(forgotten, (0, 0))
    with working(home):
        wait_until(lambda: not cancelled.exists() and not forgotten.exists())
    assert coming.exists()
