"""`/admin/experiments`: two ways to search compared by what users click on."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from pydantic import BaseModel, Field

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.route import actor_of, admission_of, new_router
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import CollectionName, Name, Remark
from molt.app.http.validation import Strict
from molt.app.service import service_of
from molt.engine.engine import Engine
from molt.engine.search.query import Mode
from molt.engine.watch.experiments.planning import describe_experiment, planned
from molt.index.catalog.judging.experiments.experiment import Arm, Plan

router = new_router("experiments")

_Rerank = Literal["tuned", "none", "tokens", "cross-encoder"]
_Method = Literal["team-draft", "probabilistic"]
_PATH = "/admin/experiments"


class ArmBody(Strict):
    """One way to search."""

    generation: Name | None = Field(None, description="id, or how it alone begins; null: serves")
    mode: Mode = "hybrid"
    rerank: _Rerank = Field("tuned", description="`tuned`: as the collection is")

    def arm(self) -> Arm:
        """The arm that it means."""
        return Arm(self.generation, self.mode, self.rerank)


class NewExperiment(Strict):
    """The body of `POST /admin/experiments`."""

    collection: CollectionName = "default"
    a: ArmBody = Field(ArmBody(), description="what is compared with")
    b: ArmBody = Field(ArmBody(), description="what serves, as a rule")
    method: _Method = "team-draft"
    share: float = Field(0.5, gt=0, le=1, description="part of the searches that take part")
    level: float = Field(0.05, gt=0, le=0.5, description="chance to decide where nothing differs")

    def plan(self) -> Plan:
        """The plan that it means."""
        return Plan(self.a.arm(), self.b.arm(), self.method, self.share, self.level)


class ExperimentEnd(Strict):
    """The body of `POST /admin/experiments/stop`."""

    collection: CollectionName = "default"
    reason: Remark | None = Field(None, description="why; kept with the experiment")


class ArmState(BaseModel):
    """One way to search; `generation` is null for whatever serves."""

    generation: str | None
    mode: Mode
    rerank: _Rerank


class ArmNumbers(BaseModel):
    """A number for each arm."""

    a: float
    b: float


class ExperimentStatus(BaseModel):
    """An experiment and what its clicks say so far."""

    collection: str
    number: int
    state: Literal["running", "decided", "ended"]
    a: ArmState
    b: ArmState
    method: _Method
    share: float
    level: float
    started_at: datetime
    started_by: str
    searches: int = Field(description="answered by both arms")
    counted: int = Field(description="of these, whose clicks were counted")
    credit: ArmNumbers = Field(description="clicks that spoke for each arm")
    e_value: ArmNumbers = Field(description="evidence that this arm does better; 2 / level decides")
    better: Literal["a", "b"] | None
    ended_at: datetime | None
    ended_by: str | None
    reason: str | None


class ExperimentList(BaseModel):
    """The experiments of a collection, newest first."""

    experiments: list[ExperimentStatus]


@router.post(
    _PATH,
    operation_id="start_experiment",
    status_code=201,
    response_model=ExperimentStatus,
    responses={
        404: {"description": "no such collection or generation"},
        409: {"description": "an experiment goes on, or there is nothing to compare with"},
    },
)
@allow(Access.ADMIN)
@named_in(CollectionPlace.BODY)
async def post_experiment(request: Request, body: NewExperiment) -> Json:
    """Let two ways to search answer a share of the searches together, and compare them."""
    engine, actor = service_of(request).engine, actor_of(request)
    return Json(await admission_of(request).run(_start, engine, body, actor), 201)


@router.get(
    _PATH,
    operation_id="list_experiments",
    response_model=ExperimentList,
    responses={404: {"description": "no such collection"}},
)
@allow(Access.ADMIN)
@named_in(CollectionPlace.QUERY)
async def get_experiments(
    request: Request,
    collection: Annotated[Name, Query(description="whose experiments")] = "default",
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> Json:
    """List the experiments of a collection, newest first."""
    engine = service_of(request).engine
    return Json(await admission_of(request).run(_list, engine, collection, limit))


@router.post(
    f"{_PATH}/stop",
    operation_id="stop_experiment",
    response_model=ExperimentStatus,
    responses={404: {"description": "no such collection, or no experiment of it goes on"}},
)
@allow(Access.ADMIN)
@named_in(CollectionPlace.BODY)
async def post_experiment_stop(request: Request, body: ExperimentEnd) -> Json:
    """End the experiment of a collection that goes on; nothing is moved."""
    engine, actor = service_of(request).engine, actor_of(request)
    return Json(await admission_of(request).run(_stop, engine, body, actor))


def _start(engine: Engine, body: NewExperiment, actor: str) -> dict[str, Any]:
    plan = planned(engine.catalog, engine.generations, body.collection, body.plan())
    begun = engine.catalog.experiments.start(body.collection, plan, actor=actor)
    return describe_experiment(begun)


def _list(engine: Engine, name: str, limit: int) -> dict[str, Any]:
    found = engine.catalog.experiments.list(name, limit=limit)
    return {"experiments": [describe_experiment(one) for one in found]}


def _stop(engine: Engine, body: ExperimentEnd, actor: str) -> dict[str, Any]:
    reason = body.reason or "stopped"
    ended = engine.catalog.experiments.end(body.collection, actor=actor, reason=reason)
    return describe_experiment(ended)
