"""`/livez`, `/readyz`, `/health` and `/metrics`. They wait for no place in the queue.

Once there are keys, what is wrong is told to who has one; anybody may know whether something is.
"""

from fastapi import Request
from starlette.responses import PlainTextResponse, Response

from molt import __version__
from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json
from molt.app.http.auth import Access, allow
from molt.app.http.route import admission_of, new_router, within
from molt.app.http.scope import KeyScope, scoped
from molt.app.metrics import CONTENT_TYPE
from molt.app.routes.health.schemas import Alive, Health, Ready
from molt.app.service import Service, service_of
from molt.engine.live.status import Readiness

router = new_router("health")


@router.get("/livez", operation_id="livez", response_model=Alive)
@allow(Access.PUBLIC)
@scoped(KeyScope.FREE)
async def get_livez() -> Json:
    """Does the process answer?"""
    return Json({"status": "alive"})


@router.get(
    "/readyz",
    operation_id="readyz",
    response_model=Ready,
    responses={
        503: {"model": Ready, "description": "`problems` says why no search can be answered"}
    },
)
@allow(Access.PUBLIC)
@scoped(KeyScope.FREE)
async def get_readyz(request: Request) -> Json:
    """Can searches be answered here? A collection whose newest generation is refused can be."""
    service = service_of(request)
    readiness = _readiness(service)
    content = {"ready": readiness.ready, "problems": await _told(request, service, readiness)}
    return Json(content, 200 if readiness.ready else 503)


@router.get("/health", operation_id="health", response_model=Health)
@allow(Access.PUBLIC)
@scoped(KeyScope.FREE)
async def get_health(request: Request) -> Json:
    """How it goes, with the version."""
    service = service_of(request)
    readiness = _readiness(service)
    status = "unavailable"
    if readiness.ready:
        status = "degraded" if readiness.problems else "ok"
    problems = await _told(request, service, readiness)
    return Json({"status": status, "version": __version__, "problems": problems})


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=PlainTextResponse,
    responses={200: {"description": "Prometheus' text format"}},
)
@allow(Access.READ)
@scoped(KeyScope.CLOSED)
@within(Bulkhead.METRICS)
async def get_metrics(request: Request) -> Response:
    """Everything that Prometheus may know."""
    service = service_of(request)
    content = await admission_of(request).run(_exposition, service)
    return Response(content, headers={"Content-Type": CONTENT_TYPE})


def _readiness(service: Service) -> Readiness:
    if service.stopping:
        return Readiness(ready=False, problems=("the server is shutting down",))
    return service.engine.readiness()


async def _told(request: Request, service: Service, readiness: Readiness) -> tuple[str, ...]:
    """The problems, with reasons and paths, for whoever may know them."""
    knows = readiness.problems and await service.guard.knows(request.headers)
    return readiness.problems if knows else ()


def _exposition(service: Service) -> bytes:
    ready = _readiness(service).ready
    engine = service.engine
    return service.metrics.exposition(
        engine.statuses(),
        failed=engine.live_collections.failures,
        experiments=engine.catalog.experiments.newest(),
        threads=engine.threads,
        ready=ready,
        home=engine.settings.home,
    )
