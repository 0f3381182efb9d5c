"""A home with one collection, a queue and a server over it, for tests that kill them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest
from sqlalchemy import make_url

from molt.engine.settings import load_settings
from molt.index.jobs.queue import JobQueue
from tests.faults.homes import EVERYTHING, name_database
from tests.postgresql import PostgresqlServer
from tests.server import ServerProcess, make_home


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """A home with the collection `shop`, encoded by a tiny checkpoint; each test copies it."""
    return fill(make_home(tmp_path_factory.mktemp("shop"), tiny_checkpoint))


@pytest.fixture(scope="session")
def postgresql_shop(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_checkpoint: Path,
    postgresql_server: PostgresqlServer,
) -> Iterator[Path]:
    """The same with its catalog in PostgreSQL."""
    home = tmp_path_factory.mktemp("postgresql_shop")
    with postgresql_server.database() as url:
        name_database(home, url)
        yield fill(make_home(home, tiny_checkpoint))


@pytest.fixture
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A copy of `shop`; of `postgresql_shop`, where a test is parametrised by `databases`."""
    (tmp_path / "fired").mkdir()
    if getattr(request, "param", "sqlite") == "sqlite":
        yield Path(copytree(request.getfixturevalue("shop"), tmp_path / "home"))
        return
    shop = request.getfixturevalue("postgresql_shop")
    copied = Path(copytree(shop, tmp_path / "home"))
    database = make_url(load_settings(home=shop).catalog).database
    with request.getfixturevalue("postgresql_server").copy(database) as url:
        name_database(copied, url)
        yield copied


@pytest.fixture
def queue(home: Path) -> Iterator[JobQueue]:
    with closing(JobQueue(load_settings(home=home).jobs)) as queue:
        yield queue


@pytest.fixture
def server(home: Path) -> Iterator[ServerProcess]:
    """Not started yet."""
    server = ServerProcess(home)
    yield server
    server.kill()


def fill(home: Path) -> Path:
    with ServerProcess(home) as server:
        assert server.ask("POST", "/collections", {"name": "shop"})[0] == 201
        documents = [{"id": doc_id, "text": f"thing {doc_id}"} for doc_id in sorted(EVERYTHING)]
        body = {"documents": documents, "wait": True}
        assert server.ask("POST", "/collections/shop/documents", body)[1]["indexed"]
        server.stop()
    JobQueue(load_settings(home=home).jobs).close()  # its tables, too, are made once
    return home
