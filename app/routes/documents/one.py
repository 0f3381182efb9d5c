"""`/collections/{collection}/documents/{id}`: one document read, written, changed and deleted."""

from functools import partial
from typing import Annotated, Any

from fastapi import Path, Query, Request

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.failures import InvalidRequestError, Violation
from molt.app.http.route import admission_of, new_router
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import CollectionPath, Id
from molt.app.routes.conditions import precondition_of, tagged
from molt.app.routes.documents.intake import (
    Written,
    acknowledge,
    keep,
    keep_patches,
    to_document,
    to_patch,
)
from molt.app.routes.documents.schemas import (
    Acknowledgement,
    ChangeBody,
    DocumentBody,
    DocumentDetail,
    PatchBody,
    PutBody,
)
from molt.app.routes.documents.truncation import (
    count_rewritten,
    count_truncated,
    telling_truncated,
)
from molt.app.service import Service, service_of
from molt.engine.engine import Engine
from molt.index.catalog.collection import Collection
from molt.index.catalog.documents import Ack
from molt.index.catalog.rows.patching import DocumentPatch
from molt.index.catalog.rows.preconditions import Precondition
from molt.index.catalog.rows.reading import describe_document
from molt.index.errors import DocumentNotFoundError

router = new_router("documents")

_PATH = "/collections/{collection}/documents/{id:path}"
_NONE: dict[int | str, dict[str, Any]] = {404: {"description": "no such document"}}
_NOWHERE: dict[int | str, dict[str, Any]] = {404: {"description": "no such collection"}}
_CHANGED: dict[int | str, dict[str, Any]] = {
    412: {"description": "`If-Match` or `If-None-Match` does not hold"}
}
DocumentPath = Annotated[
    Id, Path(alias="id", description="a document's id; slashes are part of it")
]
WaitOne = Annotated[bool, Query(alias="wait", description="answer when searches see the change")]


@router.get(_PATH, operation_id="get_document", response_model=DocumentDetail, responses=_NONE)
@allow(Access.READ)
@named_in(CollectionPlace.PATH)
async def get_document(request: Request, collection: CollectionPath, doc_id: DocumentPath) -> Json:
    """One document, as it was acknowledged; its `ETag` is its revision."""
    found = await admission_of(request).run(_get, service_of(request), collection, doc_id)
    return Json(found, headers=tagged(found["revision"]))


@router.put(
    _PATH,
    operation_id="put_document",
    response_model=Acknowledgement,
    responses=_NOWHERE | _CHANGED,
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
async def put_document(
    request: Request,
    collection: CollectionPath,
    doc_id: DocumentPath,
    body: PutBody,
    *,
    wait: WaitOne = True,
) -> Json:
    """Add a document, or replace the one of this id. An answer means it is on disk."""
    if body.id not in {None, doc_id}:
        raise InvalidRequestError(
            [Violation("is another than the one in the path; leave it out", "body", ("id",))]
        )
    service, given = service_of(request), precondition_of(request, of="one")
    found = await admission_of(request).run(service.engine.catalog.collections.get, collection)
    document = DocumentBody(
        id=doc_id, title=body.title or "", text=body.text, metadata=body.metadata or {}
    )
    kept = await admission_of(request).run(_put, service, found, document, given)
    answer = await acknowledge(service, found, kept, wait=wait)
    count = partial(count_truncated, service, found, [document])
    told = await telling_truncated(answer, count, admission=admission_of(request))
    return Json(told, headers=tagged(kept.tag))


@router.patch(
    _PATH,
    operation_id="patch_document",
    response_model=Acknowledgement,
    responses=_NONE | _CHANGED,
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
async def patch_document(
    request: Request,
    collection: CollectionPath,
    doc_id: DocumentPath,
    body: ChangeBody,
    *,
    wait: WaitOne = True,
) -> Json:
    """Merge metadata into those of a document; nothing is encoded unless its text changes."""
    service, given = service_of(request), precondition_of(request, of="one")
    found = await admission_of(request).run(service.engine.catalog.collections.get, collection)
    given_patch = PatchBody(id=doc_id, metadata=body.metadata, title=body.title, text=body.text)
    patch = to_patch(given_patch, service.settings.limits)
    kept = await admission_of(request).run(_patch, service, found, patch, given)
    answer = await acknowledge(service, found, kept, wait=wait)
    count = partial(count_rewritten, service, found, [patch])
    told = await telling_truncated(answer, count, admission=admission_of(request))
    return Json(told, headers=tagged(kept.tag))


@router.delete(
    _PATH,
    operation_id="delete_document",
    response_model=Acknowledgement,
    responses=_NONE | _CHANGED,
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
async def delete_document(
    request: Request, collection: CollectionPath, doc_id: DocumentPath
) -> Json:
    """Delete a document; searches stop to find it before this answers."""
    engine, given = service_of(request).engine, precondition_of(request, of="one")
    ack = await admission_of(request).run(_delete, engine, collection, doc_id, given)
    return Json({"accepted": ack.accepted, "revision": ack.revision, "indexed": True})


def _get(service: Service, name: str, doc_id: str) -> dict[str, Any]:
    catalog = service.engine.catalog
    collection = catalog.collections.get(name)
    stored = catalog.documents.get(collection, doc_id)
    cut = count_truncated(service, collection, [stored.document])
    return describe_document(stored) | {"truncated": bool(cut)}


def _put(
    service: Service, collection: Collection, body: DocumentBody, given: Precondition
) -> Written:
    return keep(service, collection, [to_document(body, service.settings.limits)], given)


def _patch(
    service: Service, collection: Collection, patch: DocumentPatch, given: Precondition
) -> Written:
    kept = keep_patches(service, collection, [patch], given)
    if kept.missing:
        raise DocumentNotFoundError(f"{collection.name!r} has no document {patch.id[:80]!r}")
    return kept


def _delete(engine: Engine, name: str, doc_id: str, given: Precondition) -> Ack:
    collection = engine.catalog.collections.get(name)
    ack = engine.catalog.documents.delete(collection, doc_id, given=given)
    engine.changed(name)
    return ack
