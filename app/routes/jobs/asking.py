"""`/admin/retrain`, `reload`, `reindex`, `merge`, `evaluate`, `tune`, `tune-search`: asking."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import Header, Request

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.route import actor_of, admission_of, new_router
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.routes.jobs.schemas import (
    Evaluate,
    JobStatus,
    Merge,
    Reindex,
    Reload,
    Retrain,
    Tune,
    TuneSearch,
)
from molt.app.routes.known import known_checkpoint
from molt.app.service import service_of
from molt.engine.engine import Engine
from molt.index.catalog.access.reach import Reach
from molt.index.jobs.job import Job, JobKind, JobRequest

router = new_router("jobs")

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="the same key with the same body is the same job",
    ),
]
_ACCEPTED: dict[str, Any] = {
    "status_code": 202,
    "response_model": JobStatus,
    "responses": {
        404: {"description": "no such collection or checkpoint"},
        409: {"description": "a job of this kind is at work for the collection; `job` is its id"},
        422: {"description": "a body that cannot be, or an idempotency key of another request"},
    },
}


@router.post("/admin/retrain", operation_id="retrain", **_ACCEPTED)
@allow(Access.ADMIN)
@named_in(CollectionPlace.BODY)
async def post_retrain(request: Request, body: Retrain, key: KeyHeader = None) -> Json:
    """Train, export, evaluate, gate, re-index and swap; the answer is the job that does so."""
    if body.promote == "force" and body.reason is None:
        raise InvalidRequestError((_NO_REASON,))
    options = {"config": body.config, "promote": body.promote, "reason": body.reason}
    return await _ask(request, JobKind.RETRAIN, body.collection, options, key)


@router.post("/admin/reload", operation_id="reload", **_ACCEPTED)
@allow(Access.ADMIN)
@named_in(CollectionPlace.BODY)
async def post_reload(request: Request, body: Reload, key: KeyHeader = None) -> Json:
    """Re-index a collection under an existing checkpoint, then swap both together."""
    options = {"checkpoint": body.checkpoint}
    if body.reason is not None:
        options["reason"] = body.reason
    return await _ask(request, JobKind.RELOAD, body.collection, options, key)


@router.post("/admin/reindex", operation_id="reindex", **_ACCEPTED)
@allow(Access.ADMIN)
@named_in(CollectionPlace.BODY)
async def post_reindex(request: Request, body: Reindex, key: KeyHeader = None) -> Json:
    """Build a collection's generation anew under the checkpoint that it has, then swap."""
    return await _ask(request, JobKind.REINDEX, body.collection, {"reuse": body.reuse}, key)


@router.post("/admin/merge", operation_id="merge", **_ACCEPTED)
@allow(Access.ADMIN)
@named_in(CollectionPlace.BODY)
async def post_merge(request: Request, body: Merge, key: KeyHeader = None) -> Json:
    """Fold a collection's segments into as few as can be, in a new generation, then swap."""
    return await _ask(request, JobKind.MERGE, body.collection, {}, key)


@router.post("/admin/evaluate", operation_id="evaluate", **_ACCEPTED)
@allow(Access.ADMIN)
@named_in(CollectionPlace.BODY)
async def post_evaluate(request: Request, body: Evaluate, key: KeyHeader = None) -> Json:
    """Compare a checkpoint with the active one on the test queries; nothing is moved."""
    options = {"checkpoint": body.checkpoint, "config": body.config}
    return await _ask(request, JobKind.EVALUATE, body.collection, options, key)


@router.post("/admin/tune", operation_id="tune", **_ACCEPTED)
@allow(Access.ADMIN)
@named_in(CollectionPlace.BODY)
async def post_tune(request: Request, body: Tune, key: KeyHeader = None) -> Json:
    """Search for the configuration that a retrain should have; nothing is moved."""
    options = {"config": body.config, "trials": body.trials}
    return await _ask(request, JobKind.TUNE, body.collection, options, key)


@router.post("/admin/tune-search", operation_id="tune_search", **_ACCEPTED)
@allow(Access.ADMIN)
@named_in(CollectionPlace.BODY)
async def post_tune_search(request: Request, body: TuneSearch, key: KeyHeader = None) -> Json:
    """Tune how hybrid searches fuse and re-rank by judged queries, and release it."""
    options = {"config": body.config, "promote": body.promote}
    return await _ask(request, JobKind.TUNE_SEARCH, body.collection, options, key)


_NO_REASON = Violation("force needs a reason, which the release history keeps", "body", ("reason",))


async def _ask(
    request: Request, kind: JobKind, collection: str, options: dict[str, Any], key: str | None
) -> Json:
    service = service_of(request)
    asked = JobRequest(kind, collection, options, actor_of(request))
    reach = caller_of(request).reach
    return accepted(await admission_of(request).run(ask_job, service.engine, asked, key, reach))


def accepted(job: Job) -> Json:
    """The answer that names a job which was asked for."""
    return Json(asdict(job), 202, headers={"Location": f"/admin/jobs/{job.id}"})


def check_config(config: Mapping[str, Any]) -> None:
    """Raise `InvalidRequestError` for a configuration that the worker could not use."""
    try:
        from molt.training.config import ConfigError, RetrainConfig, validated  # noqa: PLC0415  0.5 s
    except ImportError:  # without the train extra; the worker, which has it, looks as well
        return
    try:
        validated(RetrainConfig, config)
    except ConfigError as error:
        raise InvalidRequestError(
            [Violation(one.detail, "body", ("config", *one.place)) for one in error.problems]
        ) from None


def ask_job(engine: Engine, request: JobRequest, key: str | None, reach: Reach) -> Job:
    """Have the worker do it. Raises as `check_config`, `known_checkpoint` and the queue do."""
    check_config(request.options.get("config") or {})
    found = engine.catalog.collections.get(str(request.collection))
    options = _resolved(engine, request.options, reach)
    return engine.jobs.ask(replace(request, collection_id=found.id, options=options), key=key)


def _resolved(engine: Engine, options: Mapping[str, Any], reach: Reach) -> dict[str, Any]:
    """The options with the whole ids of the checkpoints that they name, the teacher's too.

    Raises as `known_checkpoint` for one that the caller may not know of.
    """
    resolved: dict[str, Any] = dict(options)
    if options.get("checkpoint") is not None:
        resolved["checkpoint"] = known_checkpoint(engine, options["checkpoint"], reach).id
    config: dict[str, Any] = options.get("config") or {}
    objective = config.get("objective")
    if isinstance(objective, dict) and objective.get("teacher") is not None:
        teacher = known_checkpoint(engine, str(objective["teacher"]), reach).id
        resolved["config"] = {**config, "objective": {**objective, "teacher": teacher}}
    return resolved
