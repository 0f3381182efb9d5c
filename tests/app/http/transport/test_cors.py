"""Pages of other origins: none by default, and those that a setting names."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from molt.index.catalog.access.keys import Role
from tests.app.serving import service_of, serving

PAGE = "http://localhost:3000"
ASKING = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
EXPOSED = {
    *("etag", "content-disposition", "location", "retry-after"),
    *("x-request-id", "x-truncated", "x-molt-documents"),
}


@pytest.fixture(scope="module")
def open_to_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A service with a key that one page, and a second one, may ask."""
    home = tmp_path_factory.mktemp("home")
    with serving(home, cors={"origins": [f"{PAGE}/", "https://shop.example"]}) as client:
        client.secret = service_of(client).engine.catalog.keys.create("r", Role.READ)  # type: ignore[attr-defined]
        yield client


def test_no_page_may_ask_until_a_setting_names_its_origin(shop: TestClient) -> None:
    assert shop.options("/search", headers=ASKING).status_code == 405
    answer = shop.get("/livez", headers={"Origin": PAGE})
    assert answer.headers.keys().isdisjoint({"access-control-allow-origin", "vary"})


def test_a_preflight_is_answered_before_anybody_asks_for_a_key(open_to_page: TestClient) -> None:
    more = {"Access-Control-Request-Headers": "content-type, api-key,x-stainless-os"}
    answer = open_to_page.options("/v1/embeddings", headers=ASKING | more)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == more["Access-Control-Request-Headers"]
    assert int(answer.headers["access-control-max-age"]) > 0
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["x-request-id"]


def test_a_page_may_reach_a_private_network_where_it_is_named(open_to_page: TestClient) -> None:
    more = {"Access-Control-Request-Private-Network": "true"}
    answer = open_to_page.options("/search", headers=ASKING | more)
    assert answer.headers["access-control-allow-private-network"] == "true"


def test_names_of_headers_that_are_none_are_not_said_again(open_to_page: TestClient) -> None:
    more = {"Access-Control-Request-Headers": "content-type; <script>"}
    answer = open_to_page.options("/search", headers=ASKING | more)
    assert "access-control-allow-headers" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["http://localhost:3001", "https://localhost:3000", "null", f"{PAGE}.evil.example"]
)
def test_other_origins_are_refused_and_read_nothing(open_to_page: TestClient, origin: str) -> None:
    preflight = open_to_page.options("/search", headers=ASKING | {"Origin": origin})
    assert preflight.status_code == 403
    assert "cors.origins" in preflight.json()["detail"]
    answer = open_to_page.get("/livez", headers={"Origin": origin})
    assert answer.status_code == 200
    for one in (preflight, answer):
        assert "access-control-allow-origin" not in one.headers
        assert "Origin" in one.headers["vary"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("GET", "/collections", 401),
        ("GET", "/nothing", 404),
        ("DELETE", "/search", 405),
        ("HEAD", "/livez", 200),
    ],
)
def test_a_page_reads_every_answer_and_the_headers_that_it_needs(
    open_to_page: TestClient, method: str, path: str, status: int
) -> None:
    answer = open_to_page.request(method, path, headers={"Origin": "https://shop.example"})
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
    assert set(exposed) == EXPOSED


def test_a_fault_of_our_own_can_be_read_too(
    open_to_page: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_of(open_to_page).engine, "search", lambda _: {}["broken"])
    headers = {"Origin": PAGE, "api-key": open_to_page.secret}  # type: ignore[attr-defined]
    with capture_logs():
        answer = open_to_page.get("/search", params={"q": "boots"}, headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (500, PAGE)


def test_what_no_page_asked_varies_with_the_origin_too(open_to_page: TestClient) -> None:
    """A cache would otherwise give a page an answer that it may not read."""
    answer = open_to_page.get("/openapi.json", headers={"api-key": open_to_page.secret})  # type: ignore[attr-defined]
    vary = {one.strip() for one in answer.headers["vary"].split(",")}
    assert vary == {"Origin", "Accept-Encoding"}


def test_an_options_request_that_no_page_makes_is_refused_as_before(tmp_path: Path) -> None:
    with serving(tmp_path, cors={"origins": [PAGE]}) as client:
        assert client.options("/search").status_code == 405
