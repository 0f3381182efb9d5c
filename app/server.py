"""The server: processes that listen, serve and end without dropping a request.

On SIGTERM or SIGINT no new connection is taken, requests at work end, then the engine is closed.
What answers is loaded by the processes that answer: a parent of several stays small.
"""

# ruff: noqa: PLC0415  see above

import math
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing import parent_process
from socket import socket
from tempfile import TemporaryDirectory
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from molt.app.binding import acceptors, listen, require_key, url_of
from molt.app.process import (
    SHARED_DIRECTORY,
    favour_short_work,
    favour_start,
    give_memory_back,
    multiply_alone,
    raise_file_limit,
)
from molt.app.supervisor import supervised_worker
from molt.engine.settings import Settings, misspelt_variables
from molt.engine.telemetry.logs import configure_logs
from molt.engine.telemetry.tracing import open_tracing, require_tracing

if TYPE_CHECKING:
    from fastapi import FastAPI

    from molt.app.service import Service
    from molt.engine.engine import Engine

OpenEngine = Callable[[Settings], "Engine"]

log = structlog.get_logger(__name__)

_STOPPING = (signal.SIGINT, signal.SIGTERM)
_CONNECTION = "molt.app.http.connections.shedding:SheddingConnection"


def open_engine_of(settings: Settings) -> "Engine":
    """The engine over the home of the settings."""
    from molt.engine.engine import Engine

    return Engine.open(settings)


def serve(settings: Settings, *, open_engine: OpenEngine = open_engine_of) -> None:
    """Serve until a signal comes, which is a success.

    Raises `BindError`, `TracingError`, and whatever opening and starting the engine raises.
    """
    for number in _STOPPING:
        signal.signal(number, _leave)  # uvicorn hands a signal on when it has stopped
    configure_logs(settings.log)
    for said in misspelt_variables(os.environ):
        log.warning("settings.variable_unknown", reason=said)
    give_memory_back()
    settings.layout.make()
    require_key(settings)
    require_tracing(settings.tracing)
    with listen(settings.host, settings.port) as listening:
        log.info("server.listening", url=url_of(listening), workers=settings.workers)
        with supervised_worker(settings):
            if settings.workers == 1:
                multiply_alone()
                favour_start()
                config = _config(settings, partial(_open_app, settings, open_engine))
                uvicorn.Server(config).run(sockets=_acceptors(listening))
            else:
                _serve_by_many(settings, open_engine, listening)


def _serve_by_many(settings: Settings, open_engine: OpenEngine, listening: socket) -> None:
    config = _config(settings, partial(_open_app_in_worker, settings, open_engine))
    with TemporaryDirectory(prefix="molt-metrics-") as shared:
        os.environ[SHARED_DIRECTORY] = shared
        supervisor = Multiprocess(config, sockets=_acceptors(listening))
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise SystemExit(STARTUP_FAILURE)  # the worker has logged why


def _acceptors(listening: socket) -> list[socket]:
    return acceptors(listening, files=raise_file_limit())


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _config(settings: Settings, open_app: Callable[[], "FastAPI"]) -> uvicorn.Config:
    return uvicorn.Config(
        open_app,
        factory=True,
        workers=settings.workers,
        loop="uvloop",
        http=_CONNECTION,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=math.ceil(settings.limits.wait_seconds) + 5,
    )


def _open_app(settings: Settings, open_engine: OpenEngine) -> "FastAPI":
    from molt.app.application import create_app

    tracing = open_tracing(settings.tracing)
    engine = open_engine(settings.of_one_worker())
    engine.start()
    app = create_app(settings, engine, tracing=tracing)
    favour_short_work()
    for number in _STOPPING:
        signal.signal(number, partial(_noted, app.state.service, signal.getsignal(number)))
    return app


def _noted(service: "Service", then: Any, number: int, frame: FrameType | None) -> None:
    """Note a signal to stop; uvicorn tells the application only when every answer has ended."""
    service.leaving = True
    if callable(then):
        then(number, frame)


def _open_app_in_worker(settings: Settings, open_engine: OpenEngine) -> "FastAPI":
    """Any other exit than this one would make the supervisor start the worker again."""
    multiply_alone()
    favour_start()
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    configure_logs(settings.log)
    give_memory_back()
    try:
        return _open_app(settings, open_engine)
    except Exception:
        log.exception("server.failed")
        raise SystemExit(STARTUP_FAILURE) from None


def _end_with_parent() -> None:
    """Whoever outlived a server that was killed would hold its port against the next one."""
    if parent := parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
