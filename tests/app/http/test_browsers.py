"""A page is opened in a browser with a key for the password; a foreign page cannot use that."""

from base64 import b64encode
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from molt.index.catalog.access.keys import Role
from tests.app.serving import service_of, serving

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with serving(tmp_path_factory.mktemp("keyed")) as client:
        yield client


@pytest.fixture(scope="module")
def given(keyed: TestClient) -> dict[str, str]:
    """What a browser sends once a person has typed a key."""
    secret = service_of(keyed).engine.catalog.keys.create("person", Role.ADMIN)
    return {"Authorization": "Basic " + b64encode(f"anybody:{secret}".encode()).decode()}


@pytest.mark.parametrize("path", ["/docs", "/admin/reports/0123456789abcdef/html"])
def test_a_browser_that_opens_a_page_asks_its_person_for_a_key(
    keyed: TestClient, given: dict[str, str], path: str
) -> None:
    refused = keyed.get(path, headers=PAGE)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Basic realm="Molt", charset="UTF-8"'
    assert keyed.get(path, headers=PAGE | given).status_code in {200, 404}


def test_what_a_page_loads_and_sends_is_answered_too(
    keyed: TestClient, given: dict[str, str]
) -> None:
    assert keyed.get("/openapi.json", headers=given).status_code == 200
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    made = keyed.post("/collections", json={"name": "own"}, headers=given | own)
    assert made.status_code == 201


@pytest.mark.parametrize("site", ["cross-site", "same-site", None])
def test_a_page_of_another_origin_cannot_use_what_a_browser_keeps(
    keyed: TestClient, given: dict[str, str], site: str | None
) -> None:
    foreign = {"Origin": "https://evil.example"} | ({"Sec-Fetch-Site": site} if site else {})
    made = keyed.post("/collections", json={"name": "theirs"}, headers=given | foreign)
    assert made.status_code == 401


@pytest.mark.parametrize("sent", ["", "!", "bm9jb2xvbg==", "gIA6gA==", "YTo="])
def test_what_is_no_password_is_no_key(keyed: TestClient, given: dict[str, str], sent: str) -> None:
    refused = keyed.get("/docs", headers={"Authorization": f"Basic {sent}"})
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
