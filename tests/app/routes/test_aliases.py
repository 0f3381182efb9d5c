from starlette.testclient import TestClient


def test_an_alias_is_set_listed_used_and_removed(shop: TestClient) -> None:
    name = "sentence-transformers/all-MiniLM-L6-v2"
    made = shop.put(f"/aliases/{name}", json={"model": "default"})
    assert made.json() == {"name": name, "model": "default", "source": "catalog"}
    assert made.json() in shop.get("/aliases").json()["aliases"]
    assert shop.post("/v1/embeddings", json={"model": name, "input": "x"}).status_code == 200
    assert shop.delete(f"/aliases/{name}").status_code == 204
    assert shop.delete(f"/aliases/{name}").json()["type"] == "urn:molt:problem:alias_not_found"
    assert shop.post("/v1/embeddings", json={"model": name, "input": "x"}).status_code == 404


def test_an_alias_of_nothing_and_names_that_are_taken_are_refused(shop: TestClient) -> None:
    unknown = shop.put("/aliases/ada", json={"model": "gpt-9"})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (404, "#/model")
    assert shop.put("/aliases/default", json={"model": "default"}).status_code == 422
    assert shop.put("/aliases/ada", json={"model": "default"}).status_code == 200
    taken = shop.post("/collections", json={"name": "ada"})
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:molt:problem:name_taken")
    shop.post("/collections", json={"name": "other"}).raise_for_status()
    assert shop.put("/aliases/other", json={"model": "default"}).status_code == 409
