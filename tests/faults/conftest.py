"""A home with one collection, a queue and a server over it, for tests that kill them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest

from molt.index.jobs.queue import JobQueue, jobs_url
from tests.faults.homes import EVERYTHING
from tests.server import ServerProcess, make_home


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """A home with the collection `shop`, encoded by a tiny checkpoint; each test copies it."""
    home = make_home(tmp_path_factory.mktemp("shop"), tiny_checkpoint)
    with ServerProcess(home) as server:
        assert server.ask("POST", "/collections", {"name": "shop"})[0] == 201
        documents = [{"id": doc_id, "text": f"thing {doc_id}"} for doc_id in sorted(EVERYTHING)]
        body = {"documents": documents, "wait": True}
        assert server.ask("POST", "/collections/shop/documents", body)[1]["indexed"]
        server.stop()
    return home


@pytest.fixture
def home(shop: Path, tmp_path: Path) -> Path:
    (tmp_path / "fired").mkdir()
    return Path(copytree(shop, tmp_path / "home"))


@pytest.fixture
def queue(home: Path) -> Iterator[JobQueue]:
    with closing(JobQueue(jobs_url(home, None))) as queue:
        yield queue


@pytest.fixture
def server(home: Path) -> Iterator[ServerProcess]:
    """Not started yet."""
    server = ServerProcess(home)
    yield server
    server.kill()
