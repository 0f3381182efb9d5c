"""Slashes too many are forgiven; what an id is made of is nobody's to change."""

import pytest
from starlette.testclient import TestClient

from molt.app.application import NOUNS
from molt.app.http.route import Route, new_router
from molt.app.http.transport.target import Targets

TARGETS = Targets(
    route for noun in NOUNS for route in noun.router.routes if isinstance(route, Route)
)
DOCUMENTS = "/collections/default/documents"


@pytest.mark.parametrize(
    ("method", "path", "meant"),
    [
        ("POST", "/v1/embeddings/", "/v1/embeddings"),
        ("POST", "/v1//embeddings", "/v1/embeddings"),
        ("POST", "//v1/embeddings///", "/v1/embeddings"),
        ("GET", "/", "/"),
        ("GET", "//", "/"),
        ("GET", "/search/", "/search"),
        ("GET", "/collections/c/documents/", "/collections/c/documents"),
        ("POST", "/collections//c/documents/", "/collections/c/documents"),
        ("GET", "//collections//c//documents/a", "/collections/c/documents/a"),
        ("GET", "/collections/c/documents/http://x//y/", "/collections/c/documents/http://x//y/"),
        ("HEAD", "/collections/c/documents/http://x//y", "/collections/c/documents/http://x//y"),
        ("DELETE", "/collections/c/documents//a", "/collections/c/documents//a"),
        ("GET", "//collections/c/documents/a//b", "/collections/c/documents/a//b"),
        ("PUT", "/collections/c/documents/a/", "/collections/c/documents/a/"),
    ],
)
def test_a_path_means_the_route_that_is_nearest(method: str, path: str, meant: str) -> None:
    assert TARGETS.tidied(method, path) == meant


def test_a_name_in_the_middle_of_a_path_is_kept_as_it_is() -> None:
    router = new_router("names")
    router.get("/models/{name:path}/embeddings")(lambda: None)
    router.delete("/models/{name:path}")(lambda: None)
    targets = Targets(route for route in router.routes if isinstance(route, Route))
    assert targets.tidied("GET", "//models/a//b/embeddings/") == "/models/a//b/embeddings"
    assert targets.tidied("DELETE", "//models/a//b/") == "/models/a//b/"


@pytest.mark.parametrize(
    "path",
    ["/search/?q=boots", "//search?q=boots", "/collections//default/", f"{DOCUMENTS}/", "/docs/"],
)
def test_a_slash_too_many_changes_no_answer(shop: TestClient, path: str) -> None:
    assert shop.get(f"http://localhost{path}").status_code == 200


def test_an_id_that_is_a_url_is_found_by_exactly_that_id(shop: TestClient) -> None:
    doc_id = "http://shop.example//boots/"
    body = {"documents": [{"id": doc_id, "text": "boots"}], "wait": False}
    assert shop.post(f"{DOCUMENTS}/", json=body).status_code == 200
    assert shop.get(f"{DOCUMENTS}/{doc_id}").json()["id"] == doc_id
    assert shop.get(f"{DOCUMENTS}/http:%2F%2Fshop.example%2F%2Fboots%2F").status_code == 200
    assert shop.get(f"{DOCUMENTS}/http:/shop.example/boots").status_code == 404
    assert shop.delete(f"{DOCUMENTS}/{doc_id}").status_code == 200


def test_errors_keep_the_envelope_of_the_path_that_was_meant(shop: TestClient) -> None:
    assert shop.post("/v1//embeddings/", json={}).json()["error"]["code"] == "invalid_request"


@pytest.mark.parametrize(
    "path",
    [
        "/search?q=boots&api-version=2024-02-01",
        "/search?api-version=2024-02-01&q=boots",
        "/v1/models?api-version=x",
    ],
)
def test_a_version_of_the_api_is_taken_and_means_nothing(shop: TestClient, path: str) -> None:
    assert shop.get(path).status_code == 200


def test_other_unknown_parameters_are_still_named(shop: TestClient) -> None:
    assert "api-versions" in shop.get("/search?q=boots&api-versions=1").text
