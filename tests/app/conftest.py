"""A client of the application: a fresh one, and one that a whole module shares."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.app.serving import BOOTS, serving


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """The application over an empty home."""
    with serving(tmp_path) as client:
        yield client


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application with three documents in the collection `default`, indexed."""
    with serving(tmp_path_factory.mktemp("shop")) as client:
        assert client.post("/collections", json={"name": "default"}).status_code == 201
        answer = client.post("/collections/default/documents", json={"documents": BOOTS})
        assert answer.json()["indexed"] is True
        yield client
