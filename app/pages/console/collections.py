"""`/console/collections/{collection}`: one collection, and what it is to be served from."""

import tomllib
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Literal

import orjson
from fastapi import Request
from pydantic import BaseModel, Field
from starlette.responses import RedirectResponse, Response

from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.route import actor_of, admission_of
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import CollectionPath, Name, Remark
from molt.app.pages.console.endpoints import latest_jobs
from molt.app.pages.frame.page_route import form_of, new_page_router, require_form
from molt.app.pages.frame.rendering import viewer_of, write_page
from molt.app.routes.jobs.asking import ask_job, check_config
from molt.app.routes.known import known_generation
from molt.app.service import service_of
from molt.engine.engine import Engine
from molt.engine.telemetry.redaction import leaves_of
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.releases import Reason
from molt.index.generations.description import describe_generations, describe_releases
from molt.index.jobs.job import Job, JobKind, JobRequest

router = new_page_router()

_PLACE = "/console/collections/{collection}"
_FEW = 20
_MAX_CONFIG_CHARS = 10_000  # a parser of TOML takes time that grows as their square
_PACES: Mapping[str, Mapping[str, Any]] = {"usual": {}, "quick": {"epochs": 1, "max_length": 64}}
"""What each pace sets in the section `run`."""


class RetrainForm(BaseModel):
    """What a retrain is asked for with; `config` is TOML, and stands over what `pace` means."""

    config: str = Field(default="", max_length=_MAX_CONFIG_CHARS)
    pace: Literal["usual", "quick"] = "usual"
    promote: Literal["gated", "never", "force"] = "gated"
    reason: Remark | None = None
    step: Literal["preview", "start"] = "preview"


class ReleaseForm(BaseModel):
    """Why a pointer is moved, and to which generation where it is not simply moved back."""

    generation: Name | None = None
    reason: Remark | None = None


@router.get(_PLACE)
@allow(Access.ADMIN)
@named_in(CollectionPlace.PATH)
async def get_console_collection(request: Request, collection: CollectionPath) -> Response:
    """Counts and lag, generations, releases, and its latest jobs."""
    return await admission_of(request).run(_page, request, collection)


@router.post(f"{_PLACE}/retrain")
@allow(Access.ADMIN)
@named_in(CollectionPlace.PATH)
async def post_console_retrain(request: Request, collection: CollectionPath) -> Response:
    """Show what a retrain would be made with, or ask for it."""
    require_form(request)
    form = form_of(request, RetrainForm)
    if form.promote == "force" and form.reason is None:
        wrong = "is missing: force needs a reason, which the release history keeps"
        raise InvalidRequestError([Violation(wrong, "form", ("reason",))])
    return await admission_of(request).run(_retrain, request, collection, form)


@router.post(f"{_PLACE}/rollback")
@allow(Access.ADMIN)
@named_in(CollectionPlace.PATH)
async def post_console_rollback(request: Request, collection: CollectionPath) -> Response:
    """Serve it from what it was served from before."""
    require_form(request)
    form, engine = form_of(request, ReleaseForm), service_of(request).engine
    reason = Reason(actor_of(request), form.reason or "rolled back")
    await admission_of(request).run(lambda: engine.releaser.rollback(collection, reason=reason))
    return _back(collection)


@router.post(f"{_PLACE}/activate")
@allow(Access.ADMIN)
@named_in(CollectionPlace.PATH)
async def post_console_activate(request: Request, collection: CollectionPath) -> Response:
    """Serve it from one of its generations that are on disk."""
    require_form(request)
    form, engine = form_of(request, ReleaseForm), service_of(request).engine
    reason, reach = Reason(actor_of(request), form.reason or "activated"), caller_of(request).reach
    if form.generation is None:
        raise InvalidRequestError([Violation("is missing", "form", ("generation",))])
    given = form.generation

    def activate() -> None:
        engine.releaser.activate(known_generation(engine, given, reach), reason=reason)

    await admission_of(request).run(activate)
    return _back(collection)


def _back(collection: str) -> Response:
    return RedirectResponse(f"/console/collections/{collection}", 303)


def _page(request: Request, name: str) -> Response:
    engine = service_of(request).engine
    collection = engine.catalog.collections.get(name)
    generations = describe_generations(engine.generations, [collection])
    context = {
        "here": "/console",
        "tab": "overview",
        "status": engine.status(collection),
        "counts": engine.catalog.judgments.counts(collection),
        "account": next(iter(engine.catalog.accounts.list(collection)), None),
        "generations": [one for one in generations[::-1] if one["collection"] == name],
        "releases": describe_releases(engine.catalog, engine.generations, names=[name], limit=_FEW),
        "jobs": latest_jobs(engine, caller_of(request).reach, limit=_FEW, collection=name),
        "trains": find_spec("torch") is not None,
    }
    return write_page(viewer_of(request), "console_collection.html", context)


def _retrain(request: Request, name: str, form: RetrainForm) -> Response:
    config = _paced(read_toml(form.config), form.pace)
    engine, reach = service_of(request).engine, caller_of(request).reach
    if form.step == "start":
        job = _ask(engine, name, form, config, actor=actor_of(request), reach=reach)
        location = f"/console/jobs/{job.id}"
        if "hx-request" in request.headers:
            return Response(status_code=204, headers={"HX-Redirect": location})
        return RedirectResponse(location, 303)
    check_config(config)
    collection = engine.catalog.collections.get(name)
    context = {
        "collection": name,
        "form": form,
        "leaves": dict(leaves_of(config)),
        "counts": engine.catalog.judgments.counts(collection),
        "documents": collection.documents,
    }
    return write_page(viewer_of(request), "console_retrain.html", context)


def _ask(  # noqa: PLR0913  each by name
    engine: Engine,
    name: str,
    form: RetrainForm,
    config: Mapping[str, Any],
    *,
    actor: str,
    reach: Reach,
) -> Job:
    options = {"config": dict(config), "promote": form.promote, "reason": form.reason}
    return ask_job(engine, JobRequest(JobKind.RETRAIN, name, options, actor), None, reach)


def _paced(config: dict[str, Any], pace: str) -> dict[str, Any]:
    """What is written, over what the pace sets; what is no section is told by who checks it."""
    own = config.get("run", {})
    if not _PACES[pace] or not isinstance(own, dict):
        return config
    return config | {"run": {**_PACES[pace], **own}}


def read_toml(text: str) -> dict[str, Any]:
    """A configuration as people write it. Raises `InvalidRequestError`."""
    try:
        read = tomllib.loads(text.replace("\r\n", "\n"))
        orjson.dumps(read)  # as the job's options are kept, which may not be nested without end
    except tomllib.TOMLDecodeError as error:
        wrong = f"is no TOML: {error}"
    except (RecursionError, orjson.JSONEncodeError):
        wrong = "is nested too deeply, or has a number that no configuration has"
    else:
        return read
    raise InvalidRequestError([Violation(wrong, "form", ("config",))])
