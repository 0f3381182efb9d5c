"""A backup of a home that is written to and swapped is whole; a kill leaves what was there."""

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from tests.faults.homes import EVERYTHING, generations, orphans, served
from tests.faults.points import ADDING, BACKING_UP, RESTORING
from tests.faults.swapping import PATIENCE, armed, fired
from tests.server import ServerProcess, molt
from tests.waiting import wait_until
from tests.walks import shortened

pytestmark = pytest.mark.promise("P1", "a backup beside writes and swaps, or killed, and restored")

QUERIES = ("thing", "thing d7", "note of a writer", "something else")


def run(home: Path, *arguments: str, **points: str) -> subprocess.CompletedProcess[str]:
    """A command over a home, in which faultpoints do what `points` says."""
    return molt("--home", home, "--json", *arguments, environment=armed(home, **points))


def succeed(home: Path, *arguments: str) -> dict[str, Any]:
    """The last line that a command answers."""
    done = run(home, *arguments)
    assert done.returncode == 0, done.stderr
    line: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return line


def write(server: ServerProcess, *doc_ids: str) -> None:
    documents = [{"id": doc_id, "text": f"thing {doc_id}"} for doc_id in doc_ids]
    body = {"documents": documents, "wait": True}
    assert server.ask("POST", "/collections/shop/documents", body)[1]["indexed"]


@pytest.mark.parametrize("point", shortened(BACKING_UP))
def test_a_backup_that_is_killed_harms_no_other_and_the_next_one_is_whole(
    home: Path, server: ServerProcess, point: str
) -> None:
    repository = home.parent / "backups"
    first = succeed(home, "backup", str(repository))["backup"]
    with server:
        write(server, "late")
    killed = run(home, "backup", str(repository), **{point: "kill"})
    assert killed.returncode == -signal.SIGKILL
    assert fired(home, point)
    listed = succeed(home, "backups", str(repository), "--verify")
    assert [each["backup"] for each in listed["backups"]] == [first]
    second = succeed(home, "backup", str(repository), "--keep", "1")
    assert second["pruned"] == [first]
    assert not list(repository.rglob(".*/*"))
    target = home.parent / "restored"
    succeed(target, "restore", str(repository))
    assert served(target) == (EVERYTHING | {"late"}, ())


@pytest.mark.parametrize("point", shortened(RESTORING))
def test_a_restore_that_is_killed_has_made_no_home_and_goes_well_again(
    home: Path, point: str
) -> None:
    repository, target = str(home.parent / "backups"), home.parent / "restored"
    succeed(home, "backup", repository)
    killed = run(target, "restore", repository, **{point: "kill"})
    assert killed.returncode == -signal.SIGKILL
    assert not (target / "catalog.sqlite3").exists()
    succeed(target, "restore", repository)
    assert succeed(target, "check") == {"ok": True, "problems": []}
    assert served(target) == (EVERYTHING, ())
    assert orphans(target) == set()


@pytest.mark.parametrize("point", ADDING)
def test_a_collection_whose_restore_is_killed_is_not_there_and_leaves_nothing(
    home: Path, point: str
) -> None:
    repository = str(home.parent / "backups")
    before = generations(home)
    succeed(home, "backup", repository)
    again = ("restore", repository, "--collection", "shop", "--as", "copy")
    assert run(home, *again, **{point: "kill"}).returncode == -signal.SIGKILL
    listed = succeed(home, "collections", "list")["collections"]
    assert [each["name"] for each in listed] == ["shop"]
    assert orphans(home) == set()
    assert generations(home) == before
    succeed(home, *again)
    assert served(home) == (EVERYTHING, ())
    assert succeed(home, "check")["ok"]


class Writer(threading.Thread):
    """Writes and rewrites documents until it is stopped; remembers what was acknowledged."""

    def __init__(self, server: ServerProcess) -> None:
        super().__init__(daemon=True)
        self._server = server
        self.acknowledged: dict[str, int] = {}
        self.stopping = threading.Event()

    def run(self) -> None:
        for n in count():
            if self.stopping.is_set():
                return
            batch = {f"w{n % 100}-{each}": n for each in range(5)}
            documents = [{"id": doc_id, "text": note(doc_id, n)} for doc_id in batch]
            body = {"documents": documents, "wait": False}
            assert self._server.ask("POST", "/collections/shop/documents", body)[0] == 200
            self.acknowledged |= batch


def note(doc_id: str, n: int) -> str:
    return f"note {n} of a writer in {doc_id}"


class Swapper(threading.Thread):
    """Re-indexes, and rolls back, until it is stopped."""

    def __init__(self, server: ServerProcess) -> None:
        super().__init__(daemon=True)
        self._server = server
        self.swaps = 0
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            status, job = self._server.ask("POST", "/admin/reindex", {"collection": "shop"})
            assert status == 202, job
            wait_until(lambda: self._state(job["id"]) == "done")  # noqa: B023
            status, answer = self._server.ask("POST", "/admin/rollback", {"collection": "shop"})
            assert status == 200, answer
            self.swaps += 2

    def _state(self, job_id: str) -> str:
        return str(self._server.ask("GET", f"/admin/jobs/{job_id}")[1]["state"])


@pytest.fixture
def busy(server: ServerProcess) -> Iterator[tuple[Writer, Swapper]]:
    """A server that is written to and swapped until the test stops both."""
    server.environment |= {"MOLT_WORKER__START": "true", "MOLT_WATCH__SECONDS": "0"}
    server.environment |= {"MOLT_INDEX__BATCH_DOCUMENTS": "20"}
    server.start()
    writer, swapper = Writer(server), Swapper(server)
    for thread in (writer, swapper):
        thread.start()
    yield writer, swapper
    stop(writer, swapper)


def stop(*threads: Writer | Swapper) -> None:
    for thread in threads:
        thread.stopping.set()
    for thread in threads:
        thread.join(2 * PATIENCE)
        assert not thread.is_alive()


def notes(home: Path) -> dict[str, int]:
    """Which text of each document that the writer wrote is in the catalog of a home."""
    with closing(open_catalog(home_url(home))) as catalog:
        documents = catalog.documents.page(catalog.collections.get("shop"), limit=10_000)
    texts = {each.document.id: each.document.text for each in documents}
    return {
        doc_id: int(text.split()[1]) for doc_id, text in texts.items() if doc_id not in EVERYTHING
    }


def is_indexed(server: ServerProcess) -> bool:
    collection = server.ask("GET", "/collections/shop")[1]
    return bool(collection["indexed_revision"] == collection["revision"])


def answers(server: ServerProcess) -> list[Any]:
    """Every document with its score, for each query; a restored home indexes words anew."""
    same = {"collection": "shop", "k": 1000, "mode": "dense"}
    bodies = (same | {"query": query} for query in QUERIES)
    found = (server.ask("POST", "/search", body)[1]["hits"] for body in bodies)
    return [sorted((hit["id"], hit["score"]) for hit in hits) for hits in found]


@pytest.mark.timeout(480)
def test_a_home_that_is_written_to_and_swapped_is_backed_up_whole(
    home: Path, server: ServerProcess, busy: tuple[Writer, Swapper]
) -> None:
    writer, swapper = busy
    repository = str(home.parent / "backups")
    wait_until(lambda: writer.acknowledged and swapper.swaps)
    during: list[tuple[dict[str, int], str]] = []
    for _ in range(3):
        before = dict(writer.acknowledged)
        during.append((before, succeed(home, "backup", repository)["backup"]))
    stop(*busy)
    for before, backup in during:
        target = home.parent / backup
        succeed(target, "restore", repository, "--backup", backup)
        assert succeed(target, "check")["ok"]
        kept = notes(target)
        assert all(before[doc_id] <= kept[doc_id] for doc_id in before)
        assert served(target) == (EVERYTHING | kept.keys(), ())
    wait_until(lambda: is_indexed(server))
    succeed(home, "backup", repository)
    succeed(home.parent / "last", "restore", repository)
    assert notes(home.parent / "last") == writer.acknowledged
    with ServerProcess(home.parent / "last") as restored:
        assert answers(restored) == answers(server)
