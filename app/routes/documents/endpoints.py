"""`/collections/{collection}/documents` and what is below it."""

from typing import Annotated, Any

from fastapi import Path, Query, Request

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.bodies import LINES, NDJSON, media_type, parse_json, require_json
from molt.app.http.failures import InvalidElementError, InvalidRequestError, Violation
from molt.app.http.route import admission_of, content_of, new_router, where_it_fits, within
from molt.app.http.scope import KeyScope, scoped
from molt.app.http.texts import CollectionPath, Id
from molt.app.http.validation import require, validate
from molt.app.routes.documents.intake import (
    Written,
    count_truncated,
    is_searchable,
    keep,
    to_document,
    wait_indexed,
)
from molt.app.routes.documents.ndjson import keep_lines
from molt.app.routes.documents.schemas import (
    Acknowledgement,
    DocumentPage,
    DocumentsBody,
    DocumentState,
)
from molt.app.service import Service, service_of
from molt.engine.engine import Engine
from molt.index.catalog import documents as index
from molt.index.catalog.collections import Collection
from molt.index.errors import InvalidDocumentError

router = new_router("documents")

MAX_PAGE = 1000
_NO_COLLECTION: dict[int | str, dict[str, Any]] = {404: {"description": "no such collection"}}
_NO_DOCUMENT: dict[int | str, dict[str, Any]] = {404: {"description": "no such document"}}
DocumentPath = Annotated[
    Id, Path(alias="id", description="a document's id; slashes are part of it")
]
Wait = Annotated[bool, Query(description="for NDJSON, whose body has no place for `wait`")]
BODIES = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/DocumentsBody"}},
            NDJSON: {"schema": {"$ref": "#/components/schemas/DocumentBody"}},
        },
    }
}


@router.post(
    "/collections/{collection}/documents",
    operation_id="put_documents",
    response_model=Acknowledgement,
    responses=_NO_COLLECTION,
    openapi_extra=BODIES,
)
@allow(Access.WRITE)
@scoped(KeyScope.NAMED)
async def post_documents(
    request: Request, collection: CollectionPath, *, wait: Wait = True
) -> Json:
    """Add documents, or replace those with the same ids. An answer means they are on disk."""
    service = service_of(request)
    found = await admission_of(request).run(service.engine.catalog.collections.get, collection)
    body: DocumentsBody | None = None
    if media_type(request) in LINES:
        kept = await keep_lines(request, service, found)
    else:
        body = await _read(request)
        wait = body.wait
        kept = await admission_of(request).run(_keep, service, found, body)
    answer = await _acknowledge(service, found, kept, wait=wait)
    if body is not None and answer["indexed"]:
        admission = admission_of(request)
        cut = await count_truncated(service, found, body.documents, admission=admission)
        answer |= {"truncated": cut} if cut else {}
    return Json(answer)


@router.get(
    "/collections/{collection}/documents",
    operation_id="list_documents",
    response_model=DocumentPage,
    responses=_NO_COLLECTION,
)
@allow(Access.READ)
@scoped(KeyScope.NAMED)
@within(Bulkhead.BULK)
async def get_documents(
    request: Request,
    collection: CollectionPath,
    after: Annotated[Id | None, Query(description="the `next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> Json:
    """Page through the documents of a collection in the order of their ids."""
    service = service_of(request)
    return Json(await admission_of(request).run(_page, service, collection, after, limit))


@router.get(
    "/collections/{collection}/documents/{id:path}",
    operation_id="get_document",
    response_model=DocumentState,
    responses=_NO_DOCUMENT,
)
@allow(Access.READ)
@scoped(KeyScope.NAMED)
async def get_document(request: Request, collection: CollectionPath, doc_id: DocumentPath) -> Json:
    """One document, as it was acknowledged."""
    service = service_of(request)
    return Json(await admission_of(request).run(_get, service.engine, collection, doc_id))


@router.delete(
    "/collections/{collection}/documents/{id:path}",
    operation_id="delete_document",
    response_model=Acknowledgement,
    responses=_NO_DOCUMENT,
)
@allow(Access.WRITE)
@scoped(KeyScope.NAMED)
async def delete_document(
    request: Request, collection: CollectionPath, doc_id: DocumentPath
) -> Json:
    """Delete a document; searches stop to find it before this answers."""
    service = service_of(request)
    ack = await admission_of(request).run(_delete, service.engine, collection, doc_id)
    return Json({"accepted": ack.accepted, "revision": ack.revision, "indexed": True})


async def _read(request: Request) -> DocumentsBody:
    require_json(request)
    content = await content_of(request)
    return await where_it_fits(request, content, lambda: _documents(parse_json(content)))


def _documents(value: object) -> DocumentsBody:
    if isinstance(value, list):
        detail = 'the body is a list; put it into an object: {"documents": […]}'
        raise InvalidRequestError([Violation(detail, "body")])
    return validate(DocumentsBody, value)


def _keep(service: Service, collection: Collection, body: DocumentsBody) -> Written:
    limits = service.settings.limits
    require(len(body.documents), limits, "max_documents", place=("documents",))
    documents = [
        to_document(document, limits, place=("documents", number))
        for number, document in enumerate(body.documents)
    ]
    try:
        return keep(service, collection, documents)
    except InvalidDocumentError as error:
        number = [document.id for document in documents].index(str(error.doc_id))
        place = ("documents", number, error.field)
        wrong = Violation(error.reason, "body", place, str(error.doc_id))
        raise InvalidElementError([wrong]) from None


async def _acknowledge(
    service: Service, collection: Collection, kept: Written, *, wait: bool
) -> dict[str, Any]:
    if wait:
        await wait_indexed(service, collection, kept.revision)
    indexed = is_searchable(service, collection, kept)
    return {"accepted": kept.accepted, "revision": kept.revision, "indexed": indexed}


def _page(service: Service, name: str, after: str | None, limit: int) -> bytes:
    """A page, encoded; it is less than `limit` where the documents are large."""
    catalog, most = service.engine.catalog, service.settings.limits.max_answer_bytes
    collection = catalog.collections.get(name)
    found = catalog.documents.page(collection, after=after, limit=limit, max_chars=most)
    last = found[-1].document.id if found else None
    more = last is not None and catalog.documents.page(collection, after=last, limit=1)
    return encode({"documents": [_stored(one) for one in found], "next": last if more else None})


def _get(engine: Engine, name: str, doc_id: str) -> dict[str, Any]:
    collection = engine.catalog.collections.get(name)
    return _stored(engine.catalog.documents.get(collection, doc_id))


def _delete(engine: Engine, name: str, doc_id: str) -> index.Ack:
    collection = engine.catalog.collections.get(name)
    ack = engine.catalog.documents.delete(collection, doc_id)
    engine.changed(name)
    return ack


def _stored(stored: index.StoredDocument) -> dict[str, Any]:
    document = stored.document
    return {
        "id": document.id,
        "title": document.title,
        "text": document.text,
        "metadata": document.metadata,
        "revision": stored.revision,
    }
