"""The service: everything that a route may use, in one place. Assembled by `application`."""

from dataclasses import dataclass

from starlette.requests import Request

from molt.app.admission import Admission
from molt.app.auth import Guard
from molt.app.engine import Engine
from molt.app.metrics import Metrics
from molt.app.settings import Settings


@dataclass
class Service:
    """What serves requests in this process; `stopping` turns true once and stays so."""

    settings: Settings
    engine: Engine
    admission: Admission
    guard: Guard
    metrics: Metrics
    stopping: bool = False


def service_of(request: Request) -> Service:
    """The service that a request was made to."""
    service: Service = request.app.state.service
    return service
