"""The OpenAPI document: what the framework knows, and what it cannot know.

Adds to every operation the errors that it may answer, in the shape of its family, and the role that
it asks for; puts the limits that are settings into the schemas.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict

from molt.app.examples import add_examples
from molt.app.http.auth import Access
from molt.app.http.envelopes import family_of
from molt.app.http.route import Route
from molt.app.routes.collections.schemas import NewSynonyms
from molt.app.routes.documents.schemas import DocumentsBody, PatchesBody
from molt.app.routes.events.schemas import EventBody
from molt.engine.sections import LimitSettings
from molt.index.segments.filters.filter import filter_schema
from molt.index.segments.matches.parsing import facet_schema, sort_schema


class ViolationBody(BaseModel):
    """One thing that is wrong: a pointer into the body (RFC 6901), or a parameter.

    `id` is that of the list's element which the pointer leads into.
    """

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    id: str | None = None


class Problem(BaseModel):
    """RFC 9457. `type` and `title` name the kind, `instance` the request in the log."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[ViolationBody] | None = None


class OpenaiDetail(BaseModel):
    """What OpenAI's clients read."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenaiError(BaseModel):
    """OpenAI's envelope."""

    error: OpenaiDetail


class TeiError(BaseModel):
    """The envelope of text-embeddings-inference."""

    error: str
    error_type: Literal["Unhealthy", "Backend", "Overloaded", "Validation", "Tokenizer", "Empty"]


_BODIES = (DocumentsBody, PatchesBody, NewSynonyms, EventBody)
"""Of routes that read them themselves."""
_REF = "#/components/schemas/{model}"
_LIMIT = "x-limit-"
_ERRORS = {
    "openai": ("application/json", OpenaiError),
    "tei": ("application/json", TeiError),
    "problem": ("application/problem+json", Problem),
}
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer molt_…`"},
    "key": {"type": "apiKey", "in": "header", "name": "api-key"},
    "x-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}


def describe(app: FastAPI, limits: LimitSettings) -> dict[str, Any]:
    """The document of every route of `app`."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    for route in _routes(app):
        for method in route.methods or ():
            _complete(document["paths"][route.path_format][method.lower()], route)
    components = document.setdefault("components", {})
    components["securitySchemes"] = _SECURITY
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for model in (Problem, OpenaiError, TeiError, *_BODIES):
        _add(schemas, model)
    schemas["Filter"] = filter_schema(_REF.format(model="Filter"))
    schemas["Facet"] = facet_schema()
    schemas["SortField"] = sort_schema()
    _fill_in_limits(document, limits)
    return document


def _routes(app: FastAPI) -> Iterator[Route]:
    return (route for route in app.routes if isinstance(route, Route) and route.include_in_schema)


def _complete(operation: dict[str, Any], route: Route) -> None:
    media_type, model = _ERRORS[family_of(route.path_format)]
    schema = {"$ref": _REF.format(model=model.__name__)}
    responses = operation["responses"]
    for status in _statuses(operation, route):
        responses.setdefault(str(status), {"description": HTTPStatus(status).phrase})
    for status, response in responses.items():
        if status >= "400" and (status == "422" or "content" not in response):
            response["content"] = {media_type: {"schema": schema}}
            response["description"] = response["description"].replace("Validation Error", "Invalid")
    add_examples(operation)
    operation["summary"] = operation["description"].partition(".")[0]
    if route.access is not Access.PUBLIC:
        operation["security"] = [{name: []} for name in _SECURITY]
        operation["description"] += f"\n\nRole: `{route.access}`."


def _statuses(operation: Mapping[str, Any], route: Route) -> Iterator[int]:
    if "requestBody" in operation:
        yield from (413, 415, 422)
    if route.access is not Access.PUBLIC:
        yield from (401, 403, 422, 429, 503)
    if any(one["in"] == "query" for one in operation.get("parameters", ())):
        yield 431
    if route.access in {Access.WRITE, Access.ADMIN} and "GET" not in (route.methods or ()):
        yield 507


def _add(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template=_REF)
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema


def _fill_in_limits(node: Any, limits: LimitSettings) -> None:
    """Replace every `x-limit-<keyword>`, wherever it is, by the keyword and the setting's value."""
    children = list(node.values()) if isinstance(node, dict) else node
    for child in children if isinstance(children, list) else ():
        _fill_in_limits(child, limits)
    if isinstance(node, dict):
        for key in [key for key in node if key.startswith(_LIMIT)]:
            node[key.removeprefix(_LIMIT)] = getattr(limits, node.pop(key))
