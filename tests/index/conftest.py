from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collections import Collection
from tests.index.catalog_postgresql import MISSING, PostgresqlServer
from tests.index.segment_fixtures import *  # noqa: F403


@pytest.fixture
def catalog_home(tmp_path: Path) -> Path:
    """A home whose directory exists and is empty."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture(scope="session")
def catalog_server() -> Iterator[PostgresqlServer]:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # as root, the server runs as another user
        server = PostgresqlServer(Path(folder) / "data")
        yield server
        server.server.cleanup()


@pytest.fixture(params=["sqlite"] if MISSING else ["sqlite", "postgresql"])
def catalog_url(request: pytest.FixtureRequest, catalog_home: Path) -> Iterator[str]:
    """A fresh database of each kind that a catalog can live in."""
    if request.param == "sqlite":
        yield home_url(catalog_home)
    else:
        with request.getfixturevalue("catalog_server").fresh_url() as url:
            yield url


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    """A real catalog in a database of its own."""
    opened = open_catalog(catalog_url)
    yield opened
    opened.close()


@pytest.fixture
def catalog_collection(catalog: Catalog) -> Collection:
    """An empty collection of `catalog`."""
    return catalog.collections.create("default")
