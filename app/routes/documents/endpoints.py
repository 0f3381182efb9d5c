"""`/collections/{collection}/documents`: written, and listed by pages."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Request

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json, encode
from molt.app.http.auth import Access, allow
from molt.app.http.bodies import LINES, NDJSON, media_type, parse_json, require_json
from molt.app.http.failures import InvalidElementError, InvalidRequestError, Violation
from molt.app.http.route import admission_of, content_of, new_router, where_it_fits, within
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import CollectionPath, Id
from molt.app.http.validation import require, validate
from molt.app.routes.conditions import precondition_of, refuse_conditions
from molt.app.routes.documents.intake import (
    Written,
    acknowledge,
    keep,
    to_document,
)
from molt.app.routes.documents.line_kinds import AWAITED_DOCUMENT_LINES, DOCUMENT_LINES
from molt.app.routes.documents.ndjson import keep_lines
from molt.app.routes.documents.schemas import (
    Acknowledgement,
    DocumentPage,
    DocumentsBody,
)
from molt.app.routes.documents.truncation import count_truncated, telling_truncated, truncated
from molt.app.service import Service, service_of
from molt.index.catalog.collection import Collection
from molt.index.catalog.rows.preconditions import Precondition
from molt.index.catalog.rows.reading import describe_document
from molt.index.errors import InvalidDocumentError

router = new_router("documents")

MAX_PAGE = 1000
_NO_COLLECTION: dict[int | str, dict[str, Any]] = {404: {"description": "no such collection"}}
_FAILED: dict[int | str, dict[str, Any]] = {
    412: {"description": "`If-Match` or `If-None-Match` does not hold"}
}
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
    responses=_NO_COLLECTION | _FAILED,
    openapi_extra=BODIES,
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
async def post_documents(
    request: Request, collection: CollectionPath, *, wait: Wait = True
) -> Json:
    """Add documents, or replace those with the same ids. An answer means they are on disk."""
    service = service_of(request)
    found = await admission_of(request).run(service.engine.catalog.collections.get, collection)
    body: DocumentsBody | None = None
    if media_type(request) in LINES:
        refuse_conditions(request)
        lines = AWAITED_DOCUMENT_LINES if wait else DOCUMENT_LINES
        kept = await keep_lines(request, service, found, lines)
    else:
        body, given = await _read(request), precondition_of(request, of="many")
        wait = body.wait
        kept = await admission_of(request).run(_keep, service, found, body, given)
    answer = await acknowledge(service, found, kept, wait=wait)
    if body is None:
        return Json(answer | truncated(kept.truncated))
    count = partial(count_truncated, service, found, body.documents)
    return Json(await telling_truncated(answer, count, admission=admission_of(request)))


@router.get(
    "/collections/{collection}/documents",
    operation_id="list_documents",
    response_model=DocumentPage,
    responses=_NO_COLLECTION,
)
@allow(Access.READ)
@named_in(CollectionPlace.PATH)
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


async def _read(request: Request) -> DocumentsBody:
    require_json(request)
    content = await content_of(request)
    return await where_it_fits(request, content, lambda: _documents(parse_json(content)))


def _documents(value: object) -> DocumentsBody:
    if isinstance(value, list):
        detail = 'the body is a list; put it into an object: {"documents": […]}'
        raise InvalidRequestError([Violation(detail, "body")])
    return validate(DocumentsBody, value)


def _keep(
    service: Service, collection: Collection, body: DocumentsBody, given: Precondition
) -> Written:
    limits = service.settings.limits
    require(len(body.documents), limits, "max_documents", place=("documents",))
    documents = [
        to_document(document, limits, place=("documents", number))
        for number, document in enumerate(body.documents)
    ]
    try:
        return keep(service, collection, documents, given)
    except InvalidDocumentError as error:
        number = [document.id for document in documents].index(str(error.doc_id))
        place = ("documents", number, error.field)
        wrong = Violation(error.reason, "body", place, str(error.doc_id))
        raise InvalidElementError([wrong]) from None


def _page(service: Service, name: str, after: str | None, limit: int) -> bytes:
    """A page, encoded; it is less than `limit` where the documents are large."""
    catalog, most = service.engine.catalog, service.settings.limits.max_answer_bytes
    collection = catalog.collections.get(name)
    found = catalog.documents.page(collection, after=after, limit=limit, max_chars=most)
    last = found[-1].document.id if found else None
    more = last is not None and catalog.documents.page(collection, after=last, limit=1)
    return encode(
        {"documents": [describe_document(one) for one in found], "next": last if more else None}
    )
