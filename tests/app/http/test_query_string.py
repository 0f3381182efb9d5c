import pytest
from starlette.testclient import TestClient

JUDGMENTS = "/collections/default/judgments"


def wrong(client: TestClient, method: str, path: str) -> list[dict[str, str]]:
    answer = client.request(method, path)
    assert answer.status_code == 422, answer.text
    found: list[dict[str, str]] = answer.json()["errors"]
    return found


def test_a_misspelt_parameter_deletes_no_more_than_was_meant(client: TestClient) -> None:
    client.post("/collections", json={"name": "default"})
    judgment = {"query_id": "q1", "doc_id": "d1", "grade": 1, "split": "test"}
    client.post(JUDGMENTS, json={"judgments": [judgment]})
    (one,) = wrong(client, "DELETE", f"{JUDGMENTS}?split=test&quary=q7")
    assert one["parameter"] == "quary"
    assert one["detail"].endswith("it takes query, source, split")
    assert len(client.get(JUDGMENTS).json()["judgments"]) == 1


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/collections?limt=1", "limt"),
        ("GET", "/collections/default/documents?ids=d1", "ids"),
        ("GET", "/search?query=boots", "query"),
        ("HEAD", "/collections/default?x=1", "x"),
        ("POST", "/events?colection=shop", "colection"),
        ("POST", "/v1/embeddings?dimensions=3", "dimensions"),
        ("GET", "/admin/jobs?state=failed", "state"),
        ("GET", "/admin/audit?user=ops", "user"),
    ],
)
def test_no_route_passes_over_a_parameter_that_it_does_not_have(
    shop: TestClient, method: str, path: str, name: str
) -> None:
    if method == "HEAD":
        assert shop.head(path).status_code == 422
        return
    answer = shop.request(method, path)
    assert answer.status_code == 422
    assert f"{name}: is not a known name" in answer.text


@pytest.mark.parametrize(
    "path", ["/search?q=boots&q=tent", "/collections/default/documents?limit=1&limit=2"]
)
def test_a_parameter_that_comes_twice_is_not_settled_by_its_place(
    shop: TestClient, path: str
) -> None:
    (one,) = wrong(shop, "GET", path)
    assert one["detail"] == "comes 2 times; send it once"


def test_what_may_be_repeated_is_and_an_api_version_counts_for_nothing(shop: TestClient) -> None:
    path = "/search?q=boots&include=title&include=text&api-version=2024-02-01"
    hit = shop.get(path).json()["hits"][0]
    assert "title" in hit
    assert "text" in hit
    assert "metadata" not in hit


def test_probes_are_answered_whatever_their_query_string(shop: TestClient) -> None:
    assert shop.get("/livez?probe=1").status_code == 200
