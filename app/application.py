"""The application, assembled. Nothing is decided here."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

from fastapi import FastAPI

from molt import __version__
from molt.app import errors, openapi
from molt.app.binding import accepting_files, is_loopback
from molt.app.following import Followers
from molt.app.http.admission import Admission, Bulkhead
from molt.app.http.auditing import Auditor
from molt.app.http.auth import Access, Guard
from molt.app.http.bodies import BodyBudget
from molt.app.http.connections.monitor import MONITOR, ConnectionMonitor
from molt.app.http.connections.shedding import SHEDDING, Endpoints, LoadShedding
from molt.app.http.observation import Observation
from molt.app.http.route import Route
from molt.app.http.threads import at_once
from molt.app.http.transport.cors import CrossOrigin, CrossOriginAnswers
from molt.app.http.transport.middleware import Transport
from molt.app.http.transport.target import Targets
from molt.app.metrics import Metrics
from molt.app.pages.compare import endpoints as compare
from molt.app.pages.console import collections as console_collections
from molt.app.pages.console import endpoints as console
from molt.app.pages.console import jobs as console_jobs
from molt.app.pages.console import keys as console_keys
from molt.app.pages.console import uploads as console_uploads
from molt.app.pages.docs import endpoints as docs_page
from molt.app.pages.frame import assets as page_assets
from molt.app.pages.frame.page_route import PageRoute
from molt.app.pages.judge import endpoints as judge
from molt.app.pages.login import endpoints as login
from molt.app.pages.search import endpoints as search_page
from molt.app.process import raise_file_limit
from molt.app.routes.aliases import endpoints as aliases
from molt.app.routes.audit import endpoints as audit
from molt.app.routes.checkpoints import endpoints as checkpoints
from molt.app.routes.collections import endpoints as collections
from molt.app.routes.collections import synonyms
from molt.app.routes.curations import endpoints as curations
from molt.app.routes.documents import deletion, export
from molt.app.routes.documents import endpoints as documents
from molt.app.routes.documents import many as many_documents
from molt.app.routes.documents import one as one_document
from molt.app.routes.events import endpoints as events
from molt.app.routes.generations import endpoints as generations
from molt.app.routes.health import endpoints as health
from molt.app.routes.jobs import asking
from molt.app.routes.jobs import endpoints as jobs
from molt.app.routes.judgments import endpoints as judgments
from molt.app.routes.judgments import kept as kept_judgments
from molt.app.routes.judgments import pairs
from molt.app.routes.openai import endpoints as openai
from molt.app.routes.releases import endpoints as releases
from molt.app.routes.releases import experiments
from molt.app.routes.reports import endpoints as reports
from molt.app.routes.rerank import endpoints as rerank
from molt.app.routes.search import batch as search_batch
from molt.app.routes.search import endpoints as search
from molt.app.routes.search import suggest
from molt.app.routes.tei import endpoints as tei
from molt.app.routes.tei import tokens as tei_tokens
from molt.app.service import Service
from molt.app.sessions import Sessions
from molt.encoder.host import cores
from molt.engine.engine import Engine
from molt.engine.settings import Settings
from molt.engine.telemetry.tracing import Tracing
from molt.engine.throttle import Throttle

EXPORTS = 4
"""So many collections are exported at once, each on as much disk as it has texts."""
THREADS: Mapping[Bulkhead, int] = {
    Bulkhead.READS: cores() + 1,  # more would only take the interpreter from the event loop
    Bulkhead.RERANKS: cores() + 1,
    Bulkhead.QUERIES: 8,  # which mostly wait for the encoder, and keep it at work
    Bulkhead.BULK: 8,  # which mostly wait for it, too
    Bulkhead.EXPORTS: EXPORTS,
    Bulkhead.WRITES: 4,  # of which SQLite lets one write
    Bulkhead.IMPORTS: 2,
    Bulkhead.ADMINISTRATION: 4,
    Bulkhead.BODIES: 1,  # two would have the interpreter by turns, and searches it less often
    Bulkhead.PACKING: 1,
    Bulkhead.KEYS: 1,
    Bulkhead.METRICS: 1,
}
NICENESS: Mapping[Bulkhead, int] = {Bulkhead.IMPORTS: 5, Bulkhead.BODIES: 5}
"""Who computes for long gives way: beside two cores at work, a search would wait for a turn."""
NOUNS = (
    openai,
    search,
    search_batch,
    suggest,
    tei,
    tei_tokens,
    rerank,
    documents,
    many_documents,
    deletion,
    one_document,
    export,
    judgments,
    kept_judgments,
    pairs,
    events,
    aliases,
    collections,
    curations,
    synonyms,
    health,
    docs_page,
    checkpoints,
    generations,
    reports,
    asking,
    jobs,
    releases,
    experiments,
    audit,
    page_assets,
    login,
    search_page,
    compare,
    judge,
    console,
    console_collections,
    console_jobs,
    console_keys,
    console_uploads,
)
RESERVED_FILES = 256
"""Descriptors that connections leave to the service: its database, segments, uploads."""
DESCRIPTION = "Semantic search whose encoder can be replaced while it serves."


def create_app(settings: Settings, engine: Engine, *, tracing: Tracing | None = None) -> FastAPI:
    """The web service over a started engine; both it and `tracing` are closed with it."""
    service = _service(settings, engine)
    app = FastAPI(
        title="Molt",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=partial(_lifespan, tracing),
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.service = service
    for noun in NOUNS:
        app.router.routes.extend(noun.router.routes)
    errors.install(app)
    cross_origin = service.shedding.cross_origin
    app.add_middleware(
        Transport,
        targets=Targets(route for route in app.routes if isinstance(route, Route)),
        threads=service.bulkheads[Bulkhead.PACKING],
        cross_origin=cross_origin,
    )
    app.add_middleware(Observation, metrics=service.metrics, tell=errors.tell)
    if not cross_origin.is_off:
        app.add_middleware(CrossOriginAnswers, cross_origin=cross_origin)
    describe = cache(partial(openapi.describe, app, settings.limits))  # for the first who asks
    app.openapi = describe  # type: ignore[method-assign]  # as FastAPI documents it
    return app


def _service(settings: Settings, engine: Engine) -> Service:
    metrics = Metrics()
    engine.sentinel.on_rollback = engine.experimenter.concluder.on_rollback = metrics.took_back
    engine.indexer.on_worked = metrics.indexed
    engine.recorder.on_outcome = metrics.kept
    bulkheads = _bulkheads(settings, metrics, engine.throttle)
    sessions = Sessions(settings.layout, seconds=60 * settings.pages.session_minutes)
    guard = Guard(
        engine.catalog.keys,
        admission=bulkheads[Bulkhead.KEYS],
        reachable=not is_loopback(settings.host),
        sessions=sessions,
    )
    answers = BodyBudget(settings.limits.max_answer_bytes_in_flight, where="answers")
    return Service(
        settings=settings,
        engine=engine,
        bulkheads=bulkheads,
        bodies=BodyBudget(settings.limits.max_bytes_in_flight),
        answers=answers,
        guard=guard,
        sessions=sessions,
        auditor=Auditor(
            engine.catalog.audit,
            admission=bulkheads[Bulkhead.ADMINISTRATION],
            settings=settings.audit,
        ),
        metrics=metrics,
        connections=_connections(settings, metrics),
        shedding=LoadShedding(
            _sheddable(bulkheads),
            cross_origin=CrossOrigin(settings.cors.origins),
            on_shed=metrics.shed,
        ),
        followers=Followers(lambda: engine.jobs),
        explain=errors.failure_of,
    )


def _connections(settings: Settings, metrics: Metrics) -> ConnectionMonitor:
    return ConnectionMonitor(
        settings.limits,
        most=_most_connections(settings),
        on_count=metrics.connections.set,
        on_refused=metrics.turned_away,
        tell=errors.tell_refused,
    )


def _bulkheads(
    settings: Settings, metrics: Metrics, throttle: Throttle
) -> dict[Bulkhead, Admission]:
    return {
        bulkhead: Admission(
            bulkhead,
            max_pending=_most_pending(settings, bulkhead),
            threads=threads,
            niceness=NICENESS.get(bulkhead, 0),
            pause=throttle.pause if bulkhead is Bulkhead.IMPORTS else at_once,
            on_pending=metrics.pending.labels(bulkhead).set,
        )
        for bulkhead, threads in THREADS.items()
    }


def _most_pending(settings: Settings, bulkhead: Bulkhead) -> int:
    """No export waits for another, which may take an hour."""
    return EXPORTS if bulkhead is Bulkhead.EXPORTS else settings.limits.max_pending


def _sheddable(bulkheads: Mapping[Bulkhead, Admission]) -> Endpoints:
    """Whatever asks for a key and has no parameter in its path."""
    routes = (route for noun in NOUNS for route in noun.router.routes)
    return {
        (method, route.path): bulkheads[route.bulkhead]
        for route in routes
        if isinstance(route, Route)
        and route.access is not Access.PUBLIC
        and not isinstance(route, PageRoute)  # a person is told on a page
        and not route.param_convertors
        for method in route.methods or ()
    }


def _most_connections(settings: Settings) -> int:
    """Fewer than asked for where that would leave too few files to the service itself."""
    files = raise_file_limit()
    left = files - RESERVED_FILES - accepting_files(files)
    return min(settings.limits.max_connections, max(left, files // 2))


@asynccontextmanager
async def _lifespan(tracing: Tracing | None, app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    service: Service = app.state.service
    try:
        yield {MONITOR: service.connections, SHEDDING: service.shedding}
    finally:
        service.leaving = service.stopping = True
        for admission in service.bulkheads.values():
            await asyncio.to_thread(admission.close)
        await asyncio.to_thread(service.engine.close)
        if tracing is not None:
            await asyncio.to_thread(tracing.close)
