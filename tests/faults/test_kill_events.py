"""Acknowledged events survive SIGKILL, beside searches that are kept; each is there once."""

import http.client
import re
import threading
import urllib.request
from contextlib import closing
from pathlib import Path

from molt.index.catalog.catalog import home_url, open_catalog
from tests.kept_events import kept_events
from tests.server import ServerProcess, make_home, molt
from tests.waiting import wait_until

CLIENTS, KILLS, LEAST = 3, 3, 10


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


def kept_searches(server: ServerProcess) -> float:
    """How many searches a server has written down since its start."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=60) as answer:
        told = answer.read().decode()
    found = re.search(r'^molt_kept_searches_total\{outcome="kept"\} (\S+)$', told, re.MULTILINE)
    return float(found[1]) if found else 0.0


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
    for kill in range(1, KILLS + 1):
        clickers = [Clicker(server, f"client {at}") for at in range(CLIENTS)]
        for clicker in clickers:
            clicker.start()
        wait_until(lambda made=clickers: sum(len(one.acknowledged) for one in made) >= LEAST)
        if kill == KILLS:
            wait_until(lambda: kept_searches(server) > 0)
        server.kill()
        for clicker in clickers:
            clicker.join()
            acknowledged += clicker.acknowledged
        server.start()
    server.kill()
    with closing(open_catalog(home_url(home))) as catalog:
        collection = catalog.collections.get("default")
        events = [one.query_id for one in kept_events(catalog, collection)]
        searches = [*catalog.searches.all(collection)]
    assert len(acknowledged) >= KILLS * LEAST
    assert set(acknowledged) <= set(events)
    assert len(events) == len(set(events))
    assert searches
    assert len(searches) == len({one.query_id for one in searches})
    assert {(one.query, one.shown) for one in searches} == {("warm boots", ("d1",))}
    checked = molt("--home", home, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
