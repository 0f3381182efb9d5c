"""A server for the client, and a collection `shop` of three documents in it."""

from collections.abc import Iterator

import pytest
from molt_client import Molt

from tests.app.serving import BOOTS, Process, started


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with started(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture
def molt(server: Process) -> Iterator[Molt]:
    with Molt(server.url) as molt:
        for collection in molt.collections():
            molt.delete_collection(collection["name"])
        molt.create_collection("shop")
        molt.write_documents("shop", BOOTS)
        yield molt
