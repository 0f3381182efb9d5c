"""Acknowledged events survive SIGKILL, beside searches that are kept; each is there once."""

import http.client
import threading
from contextlib import closing
from pathlib import Path

from molt.index.catalog.catalog import home_url, open_catalog
from tests.kept_events import kept_events
from tests.server import ServerProcess, make_home, molt

CLIENTS = 3


class Clicker(threading.Thread):
    """Searches and clicks until the server dies; remembers which clicks were acknowledged."""

    def __init__(self, server: ServerProcess, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._server = server
        self.acknowledged: list[str] = []

    def run(self) -> None:
        while True:
            try:
                status, found = self._server.ask("POST", "/search", {"query": "warm boots"})
                assert status == 200
                click = {
                    "action_name": "click",
                    "query_id": found["query_id"],
                    "client_id": self.name,
                    "event_attributes": {"object": {"object_id": "d1"}},
                }
                status, _ = self._server.ask("POST", "/events", click)
            except (OSError, http.client.HTTPException):
                return
            assert status == 200
            self.acknowledged.append(found["query_id"])


def test_acknowledged_events_survive_kills_and_what_is_kept_of_searches_is_whole(
    tmp_path: Path, tiny_checkpoint: Path
) -> None:
    home = make_home(tmp_path, tiny_checkpoint)
    server = ServerProcess(home)
    server.start()
    assert server.ask("POST", "/collections", {"name": "default"})[0] == 201
    documents = {"documents": [{"id": "d1", "text": "warm boots"}], "wait": True}
    assert server.ask("POST", "/collections/default/documents", documents)[0] == 200
    acknowledged: list[str] = []
    for kill in range(3):
        clickers = [Clicker(server, f"client {at}") for at in range(CLIENTS)]
        for clicker in clickers:
            clicker.start()
        clickers[0].join(timeout=1.5 + kill)  # the last ones live longer than the list waits
        server.kill()
        for clicker in clickers:
            clicker.join()
            acknowledged += clicker.acknowledged
        server.start()
    server.kill()
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.get("default")
        events = [one.query_id for one in kept_events(catalog, collection)]
        searches = [one.query_id for one in catalog.searches.all(collection)]
    assert len(acknowledged) > CLIENTS
    assert set(acknowledged) <= set(events)
    assert len(events) == len(set(events))
    assert searches
    assert len(searches) == len(set(searches))
    checked = molt("--home", home, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
