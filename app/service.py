"""The service: everything that a route may use, in one place. Assembled by `application`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request

from molt.app.following import Followers
from molt.app.http.admission import Admission, Bulkhead
from molt.app.http.auditing import Auditor
from molt.app.http.auth import Guard
from molt.app.http.bodies import BodyBudget
from molt.app.http.connections.monitor import ConnectionMonitor
from molt.app.http.connections.shedding import LoadShedding
from molt.app.http.failures import HttpFailure
from molt.app.metrics import Metrics
from molt.app.sessions import Sessions
from molt.engine.engine import Engine
from molt.engine.settings import Settings


@dataclass
class Service:
    """What serves requests in this process.

    `leaving` turns true when the process is told to stop: what would go on for ever ends then.
    `stopping` follows when what was begun has ended. Both stay true. `explain` says what a client
    is told of an error, where an answer holds several; it raises what is nobody's fault but ours.
    """

    settings: Settings
    engine: Engine
    bulkheads: Mapping[Bulkhead, Admission]
    bodies: BodyBudget
    answers: BodyBudget
    guard: Guard
    sessions: Sessions
    auditor: Auditor
    metrics: Metrics
    connections: ConnectionMonitor
    shedding: LoadShedding
    followers: Followers
    explain: Callable[[Exception], HttpFailure]
    leaving: bool = False
    stopping: bool = False


def service_of(request: Request) -> Service:
    """The service that a request was made to."""
    service: Service = request.app.state.service
    return service
