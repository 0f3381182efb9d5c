"""Workflows: the steps of every kind of job, in order.

A step that ended is never run again; the one that was interrupted is. How a step is done is its
module's.
"""

import time
from collections.abc import Callable
from functools import partial
from shutil import rmtree
from typing import Any, TypeVar

import structlog
from dbos import DBOS

from molt.artifact import ArtifactError
from molt.encoder import EncoderError
from molt.index.catalog.releases import Reason
from molt.index.errors import IndexingError
from molt.index.jobs.job import JobKind
from molt.index.segments.merge import MergePlan, plan_compaction, plan_merge
from molt.training.errors import TrainingError
from molt.worker.building import build, release
from molt.worker.context import Workshop
from molt.worker.events import Teller
from molt.worker.exporting import make_of_upload
from molt.worker.retraining import Retraining

Arguments = dict[str, Any]
Result = dict[str, Any]
_Made = TypeVar("_Made")

log = structlog.get_logger(__name__)

_FORESEEN = (TrainingError, IndexingError, ArtifactError, EncoderError)
_LOOK_SECONDS = 0.5


class JobFailedError(Exception):
    """What a job ends with; the message says why."""


def retrain(shop: Workshop, arguments: Arguments) -> Result:
    """Train, judge, build, flip, observe."""
    job_id = str(DBOS.workflow_id)
    name, actor = arguments["collection"], arguments["actor"]
    job = Retraining(shop, job_id, name, arguments["options"], actor)
    prepared = _step("prepare", job.prepare)
    trained = _step("train", job.train, prepared)
    result = {"promoted": False, "baseline": prepared["baseline"]} | trained
    judged = _step("judge", job.judge, prepared, trained) if trained["improved"] else None
    result |= judged or {}
    refused = job.refusal(trained, judged)
    if judged is None or refused:
        return result | {"refused": refused}
    reason = job.reason(judged)
    baseline = prepared["baseline"]
    return result | _serve(shop, name, trained["checkpoint"], reason=reason, baseline=baseline)


def reload(shop: Workshop, arguments: Arguments) -> Result:
    """Build a generation under an existing checkpoint, and flip to it."""
    name, options = arguments["collection"], arguments["options"]
    reason = Reason(arguments["actor"], f"reload, job {DBOS.workflow_id}")
    return _serve(shop, name, options["checkpoint"], reason=reason)


def reindex(shop: Workshop, arguments: Arguments) -> Result:
    """Build the collection's generation anew under the checkpoint that it has."""
    name = arguments["collection"]
    reason = Reason(arguments["actor"], f"reindex, job {DBOS.workflow_id}")
    active = _step("checkpoint", shop.active, name)
    reuse = bool(arguments["options"].get("reuse", True))
    return _serve(shop, name, active, reason=reason, reuse=reuse, baseline=active)


def merge(shop: Workshop, arguments: Arguments) -> Result:
    """Fold the collection's segments into as few as can be; no text is encoded again."""
    name = arguments["collection"]
    reason = Reason(arguments["actor"], f"merge, job {DBOS.workflow_id}")
    active = _step("checkpoint", shop.active, name)
    return _serve(shop, name, active, reason=reason, plan=plan_compaction, baseline=active)


def evaluate(shop: Workshop, arguments: Arguments) -> Result:
    """Judge a checkpoint next to the active one, and move nothing."""
    options = arguments["options"] | {"promote": "never"}
    job_id = str(DBOS.workflow_id)
    job = Retraining(shop, job_id, arguments["collection"], options, arguments["actor"])
    prepared = _step("prepare", job.prepare)
    candidate = {"checkpoint": options["checkpoint"]}
    found = {"baseline": prepared["baseline"]} | candidate
    return found | _step("judge", job.judge, prepared, candidate)


def tune(shop: Workshop, arguments: Arguments) -> Result:
    """Search for the configuration that a retrain should have, and move nothing."""
    job_id = str(DBOS.workflow_id)
    name, actor = arguments["collection"], arguments["actor"]
    job = Retraining(shop, job_id, name, arguments["options"] | {"promote": "never"}, actor)
    prepared = _step("prepare", job.prepare)
    return {"baseline": prepared["baseline"]} | _step("tune", job.tune, prepared)


def export(shop: Workshop, arguments: Arguments) -> Result:
    """Make a checkpoint of the model in the job's folder."""
    return _step("export", make_of_upload, shop, str(DBOS.workflow_id), arguments["options"])


WORKFLOWS: dict[JobKind, Callable[[Workshop, Arguments], Result]] = {
    JobKind.RETRAIN: retrain,
    JobKind.RELOAD: reload,
    JobKind.REINDEX: reindex,
    JobKind.MERGE: merge,
    JobKind.EVALUATE: evaluate,
    JobKind.TUNE: tune,
    JobKind.EXPORT: export,
}


def run_job(kind: JobKind, shop: Workshop, arguments: Arguments) -> Result:
    """Run a job to its end; a failure is told, logged and raised as `JobFailedError`."""
    job_id = str(DBOS.workflow_id)
    try:
        result = WORKFLOWS[kind](shop, arguments)
    except Exception as error:
        reason = _explained(error)
        log.exception("job.failed", job=job_id, kind=kind, reason=reason)
        shop.catalog.failures.note(arguments["collection"], kind=kind, job=job_id, reason=reason)
        raise JobFailedError(reason) from None
    finally:
        shop.catalog.builds.end(job_id)
        rmtree(shop.job_folder(job_id), ignore_errors=True)
    shop.catalog.failures.clear(arguments["collection"], kind=kind)
    log.info("job.done", job=job_id, kind=kind)
    return result


def _serve(  # noqa: PLR0913  each by name
    shop: Workshop,
    name: str,
    checkpoint_id: str,
    *,
    reason: Reason,
    reuse: bool = True,
    plan: MergePlan = plan_merge,
    baseline: str | None = None,
) -> Result:
    job_id = str(DBOS.workflow_id)
    make = partial(build, checkpoint_id=checkpoint_id, reuse=reuse, plan=plan)
    generation_id = _step("build", make, shop, job_id, name)
    move = partial(release, reason=reason, baseline=baseline)
    epoch = _step("flip", _flip, move, shop, name, generation_id)
    kept = _step("observe", _observe, shop, name, epoch)
    return {"promoted": True, "generation": generation_id, "checkpoint": checkpoint_id} | kept


def _flip(move: Callable[..., int], shop: Workshop, name: str, generation_id: str) -> int:
    epoch = move(shop, name, generation_id=generation_id)
    Teller().tell("flipped", generation=generation_id, epoch=epoch)
    return epoch


def _observe(shop: Workshop, name: str, epoch: int) -> Result:
    """Wait while the service watches; tell whether the pointer stayed."""
    until = time.monotonic() + shop.orders.watch_seconds
    teller = Teller()
    while time.monotonic() < until:
        collections = shop.catalog.collections
        if collections.get(name).epoch != epoch:
            latest = collections.releases(name, limit=1)[0]
            return {"kept": False, "moved_on": latest.reason.text}
        teller.check()
        time.sleep(_LOOK_SECONDS)
    return {"kept": True}


def _step(name: str, work: Callable[..., _Made], *arguments: Any) -> _Made:
    """One step of the job, told when it begins."""

    def run() -> _Made:
        Teller().tell("step", step=name)
        return work(*arguments)

    return DBOS.run_step({"name": name}, run)


def _explained(error: Exception) -> str:
    if isinstance(error, _FORESEEN):
        return str(error)
    if isinstance(error, OSError) and error.errno is not None:
        return f"{error.filename or 'the disk'}: {error.strerror}"
    if isinstance(error, MemoryError):
        return "memory ran out"
    if isinstance(error, ModuleNotFoundError):
        return f"this needs the train extra, {error.name} is missing: `pip install 'molt[train]'`"
    return f"unexpected {type(error).__name__}: {error}; the worker's log has the traceback"
