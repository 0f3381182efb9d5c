"""Acknowledged documents survive SIGKILL, are searchable afterwards, and are there once (P1)."""

import http.client
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.homes import name_database
from tests.server import ServerProcess, make_home, molt
from tests.walks import shortened

pytestmark = pytest.mark.promise("P1", "SIGKILL of a server while clients write")

CLIENTS = 4


class Writer(threading.Thread):
    """Streams small batches until the server dies; remembers what was acknowledged."""

    def __init__(self, server: ServerProcess, name: str, first: int) -> None:
        super().__init__(name=name, daemon=True)
        self._server = server
        self.acknowledged: dict[str, str] = {}
        self.sent = first

    def run(self) -> None:
        while True:
            batch = [self._document() for _ in range(5)]
            body = {"documents": batch, "wait": False}
            try:
                status, _ = self._server.ask("POST", "/collections/kill/documents", body)
            except (OSError, http.client.HTTPException):
                return
            assert status == 200
            self.acknowledged |= {document["id"]: document["text"] for document in batch}

    def _document(self) -> dict[str, str]:
        self.sent += 1
        return {"id": f"{self.name}-{self.sent}", "text": f"note {self.sent} of {self.name}"}


def found_by_search(server: ServerProcess, count: int) -> list[str]:
    """Every document id that search returns, page by page."""
    found: list[str] = []
    while len(found) < count:
        body = {"query": "note", "collection": "kill", "k": 1000, "offset": len(found)}
        status, answer = server.ask("POST", "/search", body | {"include": ["title"]})
        assert status == 200
        if not answer["hits"]:
            break
        found += [hit["id"] for hit in answer["hits"]]
    return found


def wait_until_indexed(server: ServerProcess) -> int:
    """Wait until the index has caught up; returns the number of documents."""
    while True:
        status, collection = server.ask("GET", "/collections/kill")
        assert status == 200
        if collection["indexed_revision"] == collection["revision"]:
            return int(collection["documents"])


@pytest.mark.timeout(420)
@pytest.mark.parametrize("kills", shortened([4, 20]))
def test_acknowledged_documents_survive_kills(
    tmp_path: Path, tiny_checkpoint: Path, kills: int, tried: Callable[[int], None]
) -> None:
    tried(kills)
    kill_often(make_home(tmp_path, tiny_checkpoint), kills=kills)


def test_acknowledged_documents_survive_kills_on_postgresql(
    tmp_path: Path, tiny_checkpoint: Path, postgresql_url: str
) -> None:
    name_database(tmp_path, postgresql_url)
    kill_often(make_home(tmp_path, tiny_checkpoint), kills=3)


def kill_often(home: Path, *, kills: int) -> None:
    """Kill a server that is written to, and look for what it acknowledged."""
    chance = random.Random(7)
    server = ServerProcess(home)
    acknowledged: dict[str, str] = {}
    sent = dict.fromkeys([f"w{client}" for client in range(CLIENTS)], 0)
    server.start()
    assert server.ask("POST", "/collections", {"name": "kill"})[0] == 201
    for _ in range(kills):
        writers = [Writer(server, name, first) for name, first in sent.items()]
        for writer in writers:
            writer.start()
        writers[0].join(timeout=chance.uniform(0.05, 0.8))
        server.kill()
        for writer in writers:
            writer.join()
            sent[writer.name] = writer.sent
            acknowledged |= writer.acknowledged
        server.start()
        documents = wait_until_indexed(server)
        found = found_by_search(server, documents)
        assert len(found) == len(set(found)) == documents
        assert acknowledged.keys() <= set(found)
    assert len(acknowledged) > kills * CLIENTS
    for doc_id in chance.sample(sorted(acknowledged), min(50, len(acknowledged))):
        status, document = server.ask("GET", f"/collections/kill/documents/{doc_id}")
        assert (status, document["text"]) == (200, acknowledged[doc_id])
    server.kill()
    checked = molt("--home", home, "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
