import re
from typing import Any

import pytest
import structlog
from starlette.testclient import TestClient
from structlog.testing import CapturingLogger

from molt.app.http.observation import id_of


@pytest.fixture
def requests_logged(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    captured = CapturingLogger()
    monkeypatch.setattr(
        "molt.app.http.observation.log", structlog.wrap_logger(captured, processors=[])
    )
    return captured.calls


def test_a_request_id_that_is_sent_comes_back(client: TestClient) -> None:
    answer = client.get("/livez", headers={"X-Request-ID": "abc-1.2_3"})
    assert answer.headers["x-request-id"] == "abc-1.2_3"


@pytest.mark.parametrize("sent", ["", "a b", "x" * 65, "<script>", "a;b"])
def test_a_request_id_that_could_do_harm_is_replaced(client: TestClient, sent: str) -> None:
    made = client.get("/livez", headers={"X-Request-ID": sent}).headers["x-request-id"]
    assert made != sent
    assert len(made) == 32


def test_every_request_gets_an_id_of_its_own(client: TestClient) -> None:
    made = {client.get(path).headers["x-request-id"] for path in ("/livez", "/livez", "/nothing")}
    assert len(made) == 3


def test_no_id_that_is_made_here_is_made_twice() -> None:
    made = [id_of([]) for _ in range(5_000)]
    assert len(set(made)) == 5_000
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in made)


def test_one_line_is_logged_for_a_request(client: TestClient, requests_logged: list[Any]) -> None:
    client.get("/collections/none", headers={"X-Request-ID": "r1"})
    assert len(requests_logged) == 1
    line = requests_logged[0].kwargs
    assert line.pop("ms") > 0
    assert line == {
        "event": "request",
        "request_id": "r1",
        "method": "GET",
        "route": "/collections/{collection}",
        "status": 404,
    }


def test_unknown_paths_and_methods_share_one_name_in_the_metrics(client: TestClient) -> None:
    for number in range(5):
        client.request(f"METHOD{number}", f"/nothing/{number}")
    text = client.get("/metrics").text
    line = 'molt_requests_total{method="other",route="unmatched",status="404"} 5.0'
    assert line in text
