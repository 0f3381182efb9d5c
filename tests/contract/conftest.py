"""One application that a whole module of contract tests shares."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.app.serving import serving

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
