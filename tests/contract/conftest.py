"""One application that a whole module of contract tests shares; generations in every store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from molt.index.catalog.catalog import home_url, open_catalog
from tests.app.serving import serving
from tests.contract.generations import Backend, MemoryBackend, SegmentBackend

DOCUMENTS = [
    {"id": "d1", "text": "warm waterproof boots", "metadata": {"brand": "acme", "price": 80}},
    {"id": "d2", "text": "warm wool socks", "metadata": {"brand": "zeta", "price": 12}},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application with two documents in the collection `default`, indexed."""
    with serving(tmp_path_factory.mktemp("shop")) as client:
        client.post("/collections", json={"name": "default"}).raise_for_status()
        documents = {"documents": DOCUMENTS}
        client.post("/collections/default/documents", json=documents).raise_for_status()
        yield client


@pytest.fixture(params=[SegmentBackend, MemoryBackend], ids=["segments", "memory"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """A store of generations and an empty collection that they follow."""
    catalog = open_catalog(home_url(tmp_path))
    yield request.param(catalog, tmp_path)
    catalog.close()
