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

from molt.artifact import ForeseenError, panics_contained, reason_of
from molt.artifact.tracing import entry, traced
from molt.index.catalog.collections import AS_SERVED, RankingChoice
from molt.index.catalog.releases import Reason
from molt.index.jobs.job import MODEL, JobKind
from molt.index.ranking.ranking import parse_ranking
from molt.index.segments.merge import MergePlan, plan_compaction
from molt.training.errors import TrainingError
from molt.training.uses import note_uses
from molt.worker.building import build, release, retune
from molt.worker.child import run_child
from molt.worker.context import JobContext
from molt.worker.events import JobEvents, given_up_when_cancelled
from molt.worker.retraining import Retraining

_Arguments = dict[str, Any]
_Result = dict[str, Any]
_Made = TypeVar("_Made")

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.5


class JobFailedError(Exception):
    """What a job ends with; the message says why."""


def retrain(context: JobContext, arguments: _Arguments) -> _Result:
    """Train, judge, build, flip, observe."""
    job_id = str(DBOS.workflow_id)
    name, actor = arguments["collection"], arguments["actor"]
    job = Retraining(context, job_id, name, arguments["options"], actor)
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
    tuned = judged["ranking"]
    ranking = AS_SERVED if tuned is None else parse_ranking(tuned)
    return result | _serve(
        context,
        arguments,
        trained["checkpoint"],
        reason=reason,
        baseline=baseline,
        ranking=ranking,
    )


def reload(context: JobContext, arguments: _Arguments) -> _Result:
    """Build a generation under an existing checkpoint, and flip to it."""
    options = arguments["options"]
    why = "" if options.get("reason") is None else f": {options['reason']}"
    text = f"reload, job {DBOS.workflow_id}{why}"
    reason = Reason(arguments["actor"], text, options.get("report"))
    tuned = options.get("ranking")
    ranking = AS_SERVED if tuned is None else parse_ranking(tuned)
    return _serve(context, arguments, options["checkpoint"], reason=reason, ranking=ranking)


def reindex(context: JobContext, arguments: _Arguments) -> _Result:
    """Build the collection's generation anew under the checkpoint that it has."""
    name = arguments["collection"]
    reason = Reason(arguments["actor"], f"reindex, job {DBOS.workflow_id}")
    active = _step("checkpoint", _active, context, name)
    reuse = bool(arguments["options"].get("reuse", True))
    return _serve(context, arguments, active, reason=reason, reuse=reuse, baseline=active)


def merge(context: JobContext, arguments: _Arguments) -> _Result:
    """Fold the collection's segments into as few as can be; no text is encoded again."""
    name = arguments["collection"]
    reason = Reason(arguments["actor"], f"merge, job {DBOS.workflow_id}")
    active = _step("checkpoint", _active, context, name)
    return _serve(context, arguments, active, reason=reason, plan=plan_compaction, baseline=active)


def evaluate(context: JobContext, arguments: _Arguments) -> _Result:
    """Judge a checkpoint next to the active one, and move nothing."""
    options = arguments["options"] | {"promote": "never"}
    job_id = str(DBOS.workflow_id)
    job = Retraining(context, job_id, arguments["collection"], options, arguments["actor"])
    prepared = _step("prepare", job.prepare)
    candidate = {"checkpoint": options["checkpoint"]}
    found = {"baseline": prepared["baseline"]} | candidate
    return found | _step("judge", job.judge, prepared, candidate)


def tune(context: JobContext, arguments: _Arguments) -> _Result:
    """Search for the configuration that a retrain should have, and move nothing."""
    job_id = str(DBOS.workflow_id)
    name, actor = arguments["collection"], arguments["actor"]
    job = Retraining(context, job_id, name, arguments["options"] | {"promote": "never"}, actor)
    prepared = _step("prepare", job.prepare)
    return {"baseline": prepared["baseline"]} | _step("tune", job.tune, prepared)


def tune_search(context: JobContext, arguments: _Arguments) -> _Result:
    """Tune how searches rank, and release that where it is otherwise than now."""
    job_id, name = str(DBOS.workflow_id), arguments["collection"]
    job = Retraining(context, job_id, name, arguments["options"], arguments["actor"])
    prepared = _step("prepare", job.prepare)
    tuned = _step("tune", job.tune_search, prepared)
    result = {"released": False, "baseline": prepared["baseline"]} | tuned
    if not tuned["changed"] or job.promote == "never":
        return result
    context.require(arguments)
    reason = Reason(arguments["actor"], f"tune-search, job {job_id}")
    move = partial(retune, reason=reason, baseline=prepared["baseline"])
    epoch = _step("release", move, context, name, parse_ranking(tuned["ranking"]))
    return (
        result
        | {"released": True, "epoch": epoch}
        | _step("observe", _observe, context, name, epoch)
    )


def export(context: JobContext, arguments: _Arguments) -> _Result:
    """Make a checkpoint of the model in the job's folder."""
    return _step("export", _export_model, context, str(DBOS.workflow_id), arguments["options"])


WORKFLOWS: dict[JobKind, Callable[[JobContext, _Arguments], _Result]] = {
    JobKind.RETRAIN: retrain,
    JobKind.RELOAD: reload,
    JobKind.REINDEX: reindex,
    JobKind.MERGE: merge,
    JobKind.EVALUATE: evaluate,
    JobKind.TUNE: tune,
    JobKind.TUNE_SEARCH: tune_search,
    JobKind.EXPORT: export,
}


def run_job(kind: JobKind, context: JobContext, arguments: _Arguments) -> _Result:
    """Run a job to its end; a failure is told, logged and raised as `JobFailedError`.

    Its spans go on with the trace of the request that asked for it.
    """
    job_id, trace = str(DBOS.workflow_id), arguments.get("trace", {})
    with entry(f"job {kind}", trace, kind="consumer", job=job_id):
        return _run(kind, context, arguments, job_id=job_id)


def _run(kind: JobKind, context: JobContext, arguments: _Arguments, *, job_id: str) -> _Result:
    try:
        context.require(arguments)
        result = WORKFLOWS[kind](context, arguments)
    except Exception as error:
        reason = _explained(error)
        log.exception("job.failed", job=job_id, kind=kind, reason=reason)
        context.catalog.failures.note(  # another of that name has no part in it
            arguments["collection"],
            kind=kind,
            job=job_id,
            reason=reason,
            collection_id=arguments.get("collection_id"),
        )
        raise JobFailedError(reason) from None
    finally:
        context.catalog.builds.end(job_id)
        rmtree(context.job_folder(job_id), ignore_errors=True)
    context.catalog.failures.clear(arguments["collection"], kind=kind)
    log.info("job.done", job=job_id, kind=kind)
    return result


def _serve(  # noqa: PLR0913  each by name
    context: JobContext,
    arguments: _Arguments,
    checkpoint_id: str,
    *,
    reason: Reason,
    reuse: bool = True,
    plan: MergePlan | None = None,
    baseline: str | None = None,
    ranking: RankingChoice = AS_SERVED,
) -> _Result:
    job_id, name = str(DBOS.workflow_id), arguments["collection"]
    context.require(arguments)
    make = partial(build, checkpoint_id=checkpoint_id, reuse=reuse, plan=plan)
    generation_id = _step("build", make, context, job_id, name)
    move = partial(release, reason=reason, baseline=baseline, ranking=ranking)
    epoch = _step("flip", _flip, move, context, name, generation_id)
    kept = _step("observe", _observe, context, name, epoch)
    return {"promoted": True, "generation": generation_id, "checkpoint": checkpoint_id} | kept


def _active(context: JobContext, name: str) -> str:
    """The checkpoint that serves, noted as one that the job needs to its end."""
    active = context.active(name)
    note_uses(context.job_folder(str(DBOS.workflow_id)), (active,))
    return active


def _flip(move: Callable[..., int], context: JobContext, name: str, generation_id: str) -> int:
    epoch = move(context, name, generation_id=generation_id)
    JobEvents().tell("flipped", generation=generation_id, epoch=epoch)
    return epoch


def _observe(context: JobContext, name: str, epoch: int) -> _Result:
    """Wait while the service watches; tell whether the pointer stayed."""
    until = time.monotonic() + context.settings.watch.seconds
    events = JobEvents()
    while time.monotonic() < until:
        collections = context.catalog.collections
        if collections.get(name).epoch != epoch:
            latest = collections.releases(name, limit=1)[0]
            return {"kept": False, "moved_on": latest.reason.text}
        events.check()
        time.sleep(_LOOK_SECONDS)
    return {"kept": True}


def _export_model(context: JobContext, job_id: str, options: dict[str, Any]) -> dict[str, Any]:
    """Export, quantise and prove the model in the job's folder; the id of its checkpoint."""
    model = context.job_folder(job_id) / MODEL
    if not model.is_dir():
        raise TrainingError("what was uploaded is gone; send it again")
    events = JobEvents()
    arguments = ("add", str(model), f"--name={options['name']}", "--home", str(context.home.root))
    return run_child(arguments, watch=events.pass_on, check=events.check)


def _step(name: str, work: Callable[..., _Made], *arguments: Any) -> _Made:
    """One step of the job, told when it begins."""

    def run() -> _Made:
        JobEvents().tell("step", step=name)
        with given_up_when_cancelled(), panics_contained(), traced(f"job.{name}"):
            return work(*arguments)

    return DBOS.run_step({"name": name}, run)


def _explained(error: Exception) -> str:
    if isinstance(error, ForeseenError):
        return str(error)
    if isinstance(error, OSError) and error.errno is not None:
        return f"{error.filename or 'the disk'}: {error.strerror}"
    if isinstance(error, MemoryError):
        return "memory ran out"
    if isinstance(error, ModuleNotFoundError):
        return (
            f"this needs the train extra, {error.name} is missing: "
            "`pip install 'molt-search[train]'`"
        )
    return f"{reason_of(error)}; the worker's log has the traceback"
