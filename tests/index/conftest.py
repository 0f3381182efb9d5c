from collections.abc import Iterator
from pathlib import Path

import pytest

from molt.index.catalog.catalog import Catalog, home_url, open_catalog
from molt.index.catalog.collection import Collection
from tests.index.segment_fixtures import *  # noqa: F403


@pytest.fixture
def catalog_home(tmp_path: Path) -> Path:
    """A home whose directory exists and is empty."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture(params=["sqlite", "postgresql"])
def catalog_url(request: pytest.FixtureRequest, catalog_home: Path) -> str:
    """A fresh database of each kind that a catalog can live in."""
    if request.param == "sqlite":
        return home_url(catalog_home)
    return str(request.getfixturevalue("postgresql_url"))


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
