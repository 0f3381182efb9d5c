"""`POST /events`."""

from typing import Annotated, Any

from fastapi import Query, Request

from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.route import admission_of, new_router
from molt.app.http.scope import CollectionPlace, named_in
from molt.app.http.texts import Name
from molt.app.http.validation import require
from molt.app.routes.events.schemas import Accepted, EventBody, EventList
from molt.app.service import service_of
from molt.engine.engine import Engine
from molt.index.catalog.events import read_event

router = new_router("events")


@router.post(
    "/events",
    operation_id="put_events",
    response_model=Accepted,
    responses={404: {"description": "no such collection"}},
)
@allow(Access.WRITE)
@named_in(CollectionPlace.QUERY)
async def post_events(
    request: Request,
    body: EventList,
    collection: Annotated[Name, Query(description="whose results the user saw")] = "default",
) -> Json:
    """Record what users did with results: one UBI event, or a list of them."""
    service = service_of(request)
    require(len(body), service.settings.limits, "max_documents", place=())
    return Json(await admission_of(request).run(_keep, service.engine, collection, body))


def _keep(engine: Engine, name: str, events: list[EventBody]) -> dict[str, Any]:
    found = engine.catalog.collections.get(name)
    read = [read_event(event.model_dump(exclude_unset=True)) for event in events]
    return {"accepted": engine.catalog.events.append(found, read)}
