"""`/aliases` and `/aliases/{name}`."""

from typing import Annotated, Any

from fastapi import Path, Request
from starlette.responses import Response

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.caller import caller_of
from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.texts import Name
from molt.app.routes.aliases.schemas import AliasList, AliasState, NewAlias
from molt.app.service import service_of
from molt.engine.engine import Engine
from molt.engine.models.models import Models
from molt.engine.models.names import Alias
from molt.index.catalog.access.reach import Reach

router = new_router("aliases")

AliasPath = Annotated[Name, Path(description="an alias; slashes belong to it")]


@router.get("/aliases", operation_id="list_aliases", response_model=AliasList)
@allow(Access.READ)
@scoped(KeyScope.FILTERED)
@within(Bulkhead.BULK)
async def get_aliases(request: Request) -> Json:
    """List the other names of models."""
    models = service_of(request).engine.models
    return Json(await admission_of(request).run(_list, models, caller_of(request).reach))


@router.put(
    "/aliases/{name:path}",
    operation_id="set_alias",
    response_model=AliasState,
    responses={
        404: {"description": "no such model or collection"},
        409: {"description": "a collection has the name"},
    },
)
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
async def put_alias(request: Request, name: AliasPath, body: NewAlias) -> Json:
    """Let a name stand for a model, or for a collection, from now on."""
    if (body.model is None) == (body.collection is None):
        wrong = "must be there, or `collection` in its place"
        raise InvalidRequestError([Violation(wrong, "body", ("model",))])
    engine = service_of(request).engine
    return Json(await admission_of(request).run(_set, engine, name, body))


@router.delete(
    "/aliases/{name:path}",
    operation_id="delete_alias",
    status_code=204,
    response_class=Response,
    responses={404: {"description": "no such alias"}},
)
@allow(Access.ADMIN)
@scoped(KeyScope.CLOSED)
async def delete_alias(request: Request, name: AliasPath) -> Response:
    """Let a name stand for nothing any more."""
    models = service_of(request).engine.models
    await admission_of(request).run(models.remove_alias, name)
    return Response(status_code=204)


def _list(models: Models, reach: Reach) -> dict[str, Any]:
    return {"aliases": [_described(alias) for alias in models.aliases(reach)]}


def _set(engine: Engine, name: str, body: NewAlias) -> dict[str, Any]:
    if body.collection is not None:
        engine.catalog.collections.get(body.collection)
    return _described(engine.models.set_alias(name, str(body.collection or body.model)))


def _described(alias: Alias) -> dict[str, Any]:
    return {"name": alias.name, "model": alias.model, "source": alias.source}
