"""Persons in front of pages: one with no key at all, and some who have given one."""

import re
from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from molt.index.catalog.access.keys import Role
from tests.app.serving import BOOTS, service_of, serving

HOSTILE = '"><script>alert(1)</script>'
"""An id, a title and a text that would run in a page that is not careful."""
Person = Callable[[Role | None], TestClient]


def token_in(page: str) -> str:
    """The token that the forms of a page bring back."""
    found = re.search(r"X-Molt-Token&#34;: &#34;|X-Molt-Token\": \"(\w+)", page)
    assert found is not None, page
    return found[1]


def log_in(client: TestClient, secret: str, **fields: str) -> int:
    """Give a key on the page that asks for one; the status of the answer."""
    token = token_in(client.get("/login").text)
    form = {"key": secret, "token": token} | fields
    return client.post("/login", data=form, follow_redirects=False).status_code


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Pages where no key is asked for, over three documents and a hostile one."""
    with serving(tmp_path_factory.mktemp("desk")) as client:
        client.post("/collections", json={"name": "default"})
        hostile = {"id": HOSTILE, "title": HOSTILE, "text": f"boots {HOSTILE}"}
        hostile["metadata"] = {"brand": HOSTILE, HOSTILE: "boots"}
        documents = [*BOOTS, hostile, hostile | {"id": "again"}]
        answer = client.post("/collections/default/documents", json={"documents": documents})
        assert answer.json()["indexed"] is True
        yield client


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Pages where a key is asked for; `secrets` has one of each role."""
    with serving(tmp_path_factory.mktemp("keyed")) as client:
        keys = service_of(client).engine.catalog.keys
        client.post("/collections", json={"name": "default"})
        client.post("/collections/default/documents", json={"documents": BOOTS})
        client.secrets = {role: keys.create(role.value, role) for role in Role}  # type: ignore[attr-defined]
        service_of(client).guard._locked_until = 0.0
        yield client


@pytest.fixture
def person(keyed: TestClient) -> Iterator[Person]:
    """Somebody at a browser of their own, logged in by a key of a role."""

    def enter(role: Role | None) -> TestClient:
        client = TestClient(keyed.app, "http://localhost", raise_server_exceptions=False)
        client.headers["accept"] = "text/html"
        if role is not None:
            assert log_in(client, keyed.secrets[role]) == 303  # type: ignore[attr-defined]
        return client

    return enter  # type: ignore[return-value]
