"""`POST /collections/{collection}/documents/delete`: many documents, by their ids or by a filter.

Those that a filter keeps are deleted in several transactions; what is written meanwhile stays.
"""

import asyncio
from typing import Any

from fastapi import Request

from molt.app.http.admission import Bulkhead, OverloadedError
from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.failures import (
    InvalidRequestError,
    PartlyDeletedError,
    RequestError,
    StoppingError,
    Violation,
)
from molt.app.http.route import admission_of, new_router
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import CollectionPath
from molt.app.http.validation import require
from molt.app.routes.conditions import matching_of, precondition_of
from molt.app.routes.documents.schemas import DeleteAcknowledgement, DeleteBody
from molt.app.service import Service, service_of
from molt.index.catalog.collection import require_revision
from molt.index.catalog.documents import Ack
from molt.index.catalog.rows.preconditions import Precondition
from molt.index.errors import FilterError, IndexingError
from molt.index.segments.filters.clauses import Filter
from molt.index.segments.filters.filter import parse_filter
from molt.index.selection.constants import check_not_all
from molt.index.selection.selection import (
    MatchingDocuments,
    delete_selected,
    select_matching,
)

router = new_router("documents")

_PAUSE = 0.05


@router.post(
    "/collections/{collection}/documents/delete",
    operation_id="delete_documents",
    response_model=DeleteAcknowledgement,
    responses={
        404: {"description": "no such collection"},
        412: {"description": "`If-Match` or `If-None-Match` does not hold"},
    },
)
@allow(Access.WRITE)
@named_in(CollectionPlace.PATH)
async def post_delete_documents(
    request: Request, collection: CollectionPath, body: DeleteBody
) -> Json:
    """Delete the documents of `ids`, or those that `filter` keeps; searches stop to find them."""
    service = service_of(request)
    if body.ids is not None and body.filter is None:
        given = precondition_of(request, of="many")
        require(len(body.ids), service.settings.limits, "max_documents", place=("ids",))
        run = admission_of(request).run
        return Json(_told(await run(_delete_ids, service, collection, body.ids, given)))
    if body.ids is None and body.filter is not None:
        where = parse_filter(body.filter, max_nodes=service.settings.limits.max_filter_nodes)
        _refuse_nulls(body.filter, path="$")
        return Json(_told(await _delete_kept(request, collection, where, matching_of(request))))
    raise InvalidRequestError([Violation('give either "ids" or "filter"', "body")])


async def _delete_kept(
    request: Request, name: str, where: Filter, match: frozenset[int] | None
) -> Ack:
    service = service_of(request)
    reading = service.bulkheads[Bulkhead.BULK]
    selection = await reading.run(_select, service, name, where, match)
    total = Ack(0, selection.revision)
    for part in selection.parts():
        try:
            ack = await _delete_part(request, part, match)
        except (RequestError, IndexingError) as error:
            if not total.accepted:
                raise
            deleted, revision = total.accepted, total.revision
            raise PartlyDeletedError(error, deleted=deleted, revision=revision) from error
        total, match = Ack(total.accepted + ack.accepted, ack.revision), None
    return total


async def _delete_part(
    request: Request, part: MatchingDocuments, match: frozenset[int] | None
) -> Ack:
    """What has begun waits where the server is busy. Raises `StoppingError`."""
    service = service_of(request)
    while not service.stopping:
        try:
            return await admission_of(request).run(_delete, service, part, match)
        except OverloadedError:
            await asyncio.sleep(_PAUSE)
    raise StoppingError


def _select(
    service: Service, name: str, where: Filter, match: frozenset[int] | None
) -> MatchingDocuments:
    check_not_all(where)
    selection = select_matching(service.engine.catalog, name, where)
    require_revision(selection.collection, match)
    return selection


def _delete(service: Service, part: MatchingDocuments, match: frozenset[int] | None) -> Ack:
    ack = delete_selected(service.engine.catalog, part, match=match)
    service.engine.changed(part.collection.name)
    return ack


def _delete_ids(service: Service, name: str, doc_ids: list[str], given: Precondition) -> Ack:
    catalog = service.engine.catalog
    ack = catalog.documents.delete_many(catalog.collections.get(name), doc_ids, given=given)
    service.engine.changed(name)
    return ack


def _told(ack: Ack) -> dict[str, Any]:
    return {
        "accepted": ack.accepted,
        "deleted": ack.accepted,
        "revision": ack.revision,
        "indexed": True,
        "missing": ack.missing,
    }


def _refuse_nulls(value: object, *, path: str) -> None:
    """Raise `FilterError` where a filter that was parsed leaves out a null, and so keeps more."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            _refuse_nulls(one, path=f"{path}[{place}]")
    elif isinstance(value, dict):
        for name, one in value.items():
            if one is None:
                said = "null bounds nothing, and more would be deleted; leave it out"
                raise FilterError(f"{path}.{name}", said)
            _refuse_nulls(one, path=f"{path}.{name}")
