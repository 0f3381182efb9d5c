from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.serving import serving

DOCUMENTS = "/collections/default/documents"
Put = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application that a module shares."""
    with serving(tmp_path_factory.mktemp("home")) as client:
        yield client


@pytest.fixture
def client(served: TestClient) -> Iterator[TestClient]:
    """A client of it, with an empty collection `default`."""
    served.post("/collections", json={"name": "default"})
    yield served
    served.delete("/collections/default")


@pytest.fixture
def put(client: TestClient) -> Put:
    """Writes documents, and waits until they are indexed."""

    def write(*documents: dict[str, Any], **headers: str) -> dict[str, Any]:
        answer = client.post(DOCUMENTS, json={"documents": documents}, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return write
