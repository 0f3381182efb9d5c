"""A PostgreSQL that stops under a running server refuses requests; when it is back, all goes on."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from molt.index.jobs.job import JobState
from molt.index.jobs.queue import JobQueue
from tests.faults.homes import EVERYTHING
from tests.faults.swapping import REINDEX, answers, armed, fired, found, work
from tests.postgresql import PostgresqlServer
from tests.server import ServerProcess
from tests.waiting import wait_until

pytestmark = pytest.mark.parametrize("home", ["postgresql"], indirect=True)
LATE = {"documents": [{"id": "late", "text": "thing that came late"}], "wait": False}


@pytest.fixture
def database(home: Path, postgresql_server: PostgresqlServer) -> Iterator[PostgresqlServer]:
    """The server of the home's database, which runs again when the test ends."""
    yield postgresql_server
    postgresql_server.stop()
    postgresql_server.start()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["stopped", "crashed"])
def test_a_database_that_is_restarted_is_used_again_and_has_what_was_acknowledged(
    database: PostgresqlServer, server: ServerProcess, how: signal.Signals
) -> None:
    server.start()
    assert server.ask("GET", "/admin/jobs")[0] == 200
    assert server.ask("POST", "/collections/shop/documents", LATE)[0] == 200
    database.stop(how)
    search = {"query": "thing", "collection": "shop"}
    asked = [
        server.ask("POST", "/collections/shop/documents", LATE),
        server.ask("GET", "/collections/shop/documents/late"),
        server.ask("POST", "/search", search),
        server.ask("POST", "/admin/reindex", {"collection": "shop"}),
        server.ask("GET", "/admin/jobs"),
    ]
    refused = (503, "urn:molt:problem:unavailable")
    assert [(status, answer["type"]) for status, answer in asked] == [refused] * 5
    assert all("cannot be reached" in answer["detail"] for _, answer in asked)
    assert server.ask("GET", "/livez")[0] == 200
    database.start()
    wait_until(lambda: answers(server) and found(server) == sorted(EVERYTHING | {"late"}))
    assert server.ask("GET", "/admin/jobs")[0] == 200
    assert server.stop() == 0


def test_a_worker_outlives_a_restart_of_its_database(
    home: Path, queue: JobQueue, database: PostgresqlServer
) -> None:
    environment = armed(home, **{"flip.caught_up": "sleep:1"})
    job = queue.ask(REINDEX)
    restarted: list[bool] = []

    def restart() -> bool:
        if fired(home, "flip.caught_up") and not restarted:
            database.stop()
            database.start()
            restarted.append(True)
        return False

    work(home, queue, job, environment, until=restart)
    assert restarted
    assert queue.get(job.id).state is JobState.DONE
