"""A disk that is full or fails to write: the reason is told, and what served serves on."""

import errno
import http.client
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from molt.index.jobs.job import JobState
from molt.index.jobs.queue import JobQueue
from tests.faults.homes import EVERYTHING, generations, orphans, pointed, served
from tests.faults.swapping import REINDEX, armed, found, logged, searched, work, worker_log
from tests.server import ServerProcess
from tests.waiting import wait_until
from tests.walks import shortened

if TYPE_CHECKING:
    import subprocess

    from tests.forking import ForkedProcess

pytestmark = pytest.mark.promise("P5", "a disk that is full or fails")

FULL = {"segment.sealed": "full"}
FLUSHED = (r"/vectors\.npy$", r"/\.generation\.json\.\w+$")
"""A segment and a manifest, each under the name that it has until it is complete."""
LOOKS = 40


class Unheard(ServerProcess):
    """A server whose log goes to a disk that is full."""

    def _begun(self, log: int) -> "subprocess.Popen[bytes] | ForkedProcess":
        with Path("/dev/full").open("ab") as full:
            return super()._begun(full.fileno())


def failing(home: Path, path: str) -> dict[str, str]:
    """What makes a process fail to flush what lies at `path`, for as long as `broken` exists."""
    (home.parent / "broken").touch()
    (home.parent / "site").mkdir()
    (home.parent / "site" / "sitecustomize.py").write_text(
        f"""
import os, re
flush = os.fsync
def fsync(descriptor):
    path = os.readlink(f"/proc/self/fd/{{descriptor}}")
    if re.search({path!r}, path) and os.path.exists({str(home.parent / "broken")!r}):
        raise OSError({errno.EIO}, os.strerror({errno.EIO}))
    flush(descriptor)
os.fsync = fsync
"""
    )
    return {"PYTHONPATH": str(home.parent / "site")}


def mend(home: Path) -> None:
    (home.parent / "broken").unlink()


def test_a_disk_that_is_full_fails_the_job_and_the_old_generation_serves(
    home: Path, queue: JobQueue
) -> None:
    check_failing(home, queue, armed(home, **FULL), reason=os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("path", shortened(FLUSHED))
def test_a_flush_that_fails_fails_the_job_and_the_old_generation_serves(
    home: Path, queue: JobQueue, path: str
) -> None:
    environment = armed(home) | failing(home, path)
    check_failing(home, queue, environment, reason=os.strerror(errno.EIO))


def check_failing(home: Path, queue: JobQueue, environment: dict[str, str], *, reason: str) -> None:
    before = pointed(home)
    job = queue.ask(REINDEX)
    assert work(home, queue, job, environment) == 0
    failed = queue.get(job.id)
    assert (failed.state, failed.attempts) == (JobState.FAILED, 1)
    assert reason in str(failed.error)
    assert pointed(home) == before
    hits, (problem,) = served(home)
    assert hits == EVERYTHING
    assert str(failed.error) in problem
    (line,) = logged(worker_log(home), "job.failed")
    assert (line["job"], line["reason"]) == (job.id, failed.error)
    assert orphans(home) == set()
    assert generations(home) == {before}


@pytest.mark.parametrize("path", shortened(FLUSHED))
def test_a_server_that_fails_to_flush_says_so_and_indexes_when_it_can(
    home: Path, server: ServerProcess, path: str
) -> None:
    server.environment |= failing(home, path) | {"MOLT_INDEX__POLL_SECONDS": "0.05"}
    server.start()
    body = {"documents": [{"id": "late", "text": "thing that came late"}], "wait": False}
    assert server.ask("POST", "/collections/shop/documents", body)[0] == 200
    wait_until(lambda: server.ask("GET", "/readyz")[1]["problems"])
    for _ in range(LOOKS):
        status, ready = server.ask("GET", "/readyz")
        assert (status, ready["ready"], len(ready["problems"])) == (200, True, 1)
        assert "is not being indexed" in ready["problems"][0]
        assert os.strerror(errno.EIO) in ready["problems"][0]
        assert searched(server)[0] == 200
        assert set(found(server)) >= EVERYTHING
    assert len(logged(server.log, "indexing.failed")) == 1
    mend(home)
    wait_until(lambda: found(server) == sorted(EVERYTHING | {"late"}))
    wait_until(lambda: not server.ask("GET", "/readyz")[1]["problems"])
    assert server.stop() == 0
    assert orphans(home) == set()


def test_a_log_that_cannot_be_written_breaks_off_no_connection(home: Path) -> None:
    with Unheard(home) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        for _ in range(3):
            connection.request("GET", "/collections/default/documents/none")
            answer = connection.getresponse()
            assert answer.status == 404
            assert json.loads(answer.read())["status"] == 404
        connection.close()
