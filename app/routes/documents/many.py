"""Many documents of a collection by their ids: changed, read and deleted in one request."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Request

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.bodies import LINES, NDJSON, media_type, parse_json, require_json
from molt.app.http.route import admission_of, content_of, new_router, where_it_fits, within
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import CollectionPath
from molt.app.http.validation import require, validate
from molt.app.routes.conditions import precondition_of, refuse_conditions
from molt.app.routes.documents.intake import Written, acknowledge, keep_patches, to_patch
from molt.app.routes.documents.line_kinds import AWAITED_PATCH_LINES, PATCH_LINES
from molt.app.routes.documents.ndjson import keep_lines
from molt.app.routes.documents.schemas import (
    DocumentChoice,
    IdsBody,
    PatchAcknowledgement,
    PatchesBody,
)
from molt.app.routes.documents.truncation import count_rewritten, telling_truncated, truncated
from molt.app.service import Service, service_of
from molt.index.catalog.collection import Collection
from molt.index.catalog.rows.preconditions import Precondition
from molt.index.catalog.rows.reading import describe_document

router = new_router("documents")

_RESPONSES: dict[int | str, dict[str, Any]] = {
    404: {"description": "no such collection"},
    412: {"description": "`If-Match` or `If-None-Match` does not hold"},
}
_PATCHES = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/PatchesBody"}},
            NDJSON: {"schema": {"$ref": "#/components/schemas/PatchBody"}},
        },
    }
}


@router.patch(
    "/collections/{collection}/documents",
    operation_id="patch_documents",
    response_model=PatchAcknowledgement,
    responses=_RESPONSES,
    openapi_extra=_PATCHES,
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
async def patch_documents(
    request: Request,
    collection: CollectionPath,
    *,
    wait: Annotated[bool, Query(description="for a body that has no place for `wait`")] = True,
) -> Json:
    """Change parts of many documents; what is merged into metadata costs no encoding."""
    service = service_of(request)
    found = await admission_of(request).run(service.engine.catalog.collections.get, collection)
    if media_type(request) in LINES:
        refuse_conditions(request)
        lines = AWAITED_PATCH_LINES if wait else PATCH_LINES
        kept = await keep_lines(request, service, found, lines)
        answer = await acknowledge(service, found, kept, wait=wait) | truncated(kept.truncated)
    else:
        body, given = await _read(request, wait=wait), precondition_of(request, of="many")
        kept = await admission_of(request).run(_patch, service, found, body, given)
        answer = await acknowledge(service, found, kept, wait=body.wait)
        patches = [to_patch(one, service.settings.limits) for one in body.documents]
        count = partial(count_rewritten, service, found, patches)
        answer = await telling_truncated(answer, count, admission=admission_of(request))
    return Json(answer | {"missing": kept.missing, "missing_count": kept.missing_count})


@router.post(
    "/collections/{collection}/documents/get",
    operation_id="get_documents_by_id",
    response_model=DocumentChoice,
    responses={404: {"description": "no such collection"}},
)
@allow(Access.READ)
@named_in(CollectionPlace.PATH)
@within(Bulkhead.BULK)
async def post_get_documents(request: Request, collection: CollectionPath, body: IdsBody) -> Json:
    """Read many documents by their ids, in that order."""
    service = service_of(request)
    return Json(await admission_of(request).run(_choose, service, collection, body.ids))


async def _read(request: Request, *, wait: bool) -> PatchesBody:
    """The body, which may be the list of documents alone."""
    require_json(request)
    content = await content_of(request)

    def read() -> PatchesBody:
        value = parse_json(content)
        if isinstance(value, list):
            value = {"documents": value, "wait": wait}
        return validate(PatchesBody, value)

    return await where_it_fits(request, content, read)


def _patch(
    service: Service, collection: Collection, body: PatchesBody, given: Precondition
) -> Written:
    limits = service.settings.limits
    require(len(body.documents), limits, "max_documents", place=("documents",))
    patches = [
        to_patch(patch, limits, place=("documents", number))
        for number, patch in enumerate(body.documents)
    ]
    return keep_patches(service, collection, patches, given)


def _choose(service: Service, name: str, doc_ids: list[str]) -> bytes:
    """The answer, encoded; a document that is asked for twice comes once."""
    limits, catalog = service.settings.limits, service.engine.catalog
    require(len(doc_ids), limits, "max_documents", place=("ids",))
    collection, wanted = catalog.collections.get(name), list(dict.fromkeys(doc_ids))
    chosen = catalog.documents.get_many(collection, wanted, max_chars=limits.max_answer_bytes)
    found = {one.document.id for one in chosen.documents}
    read = set(wanted[: chosen.looked_at])
    return encode(
        {
            "documents": [describe_document(one) for one in chosen.documents],
            "missing": [one for one in wanted if one in read and one not in found],
            "left_out": wanted[chosen.looked_at :],
        }
    )
