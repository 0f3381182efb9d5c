import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.routes.documents.conftest import DOCUMENTS, Put
from tests.app.serving import service_of, serving

NDJSON = {"Content-Type": "application/x-ndjson"}


def documents(count: int) -> list[dict[str, Any]]:
    return [{"id": f"d{n}", "text": f"boots {n}", "metadata": {"price": n}} for n in range(count)]


def prices(client: TestClient) -> dict[str, Any]:
    found = client.get(DOCUMENTS, params={"limit": 1000}).json()["documents"]
    return {one["id"]: one["metadata"].get("price") for one in found}


def lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


@pytest.mark.parametrize("alone", [True, False])
def test_many_documents_are_patched_at_once_and_those_that_are_not_there_are_named(
    client: TestClient, put: Put, *, alone: bool
) -> None:
    put(*documents(3))
    patches = [{"id": one, "metadata": {"price": 50}} for one in ("d0", "nobody", "d2")]
    body = patches if alone else {"documents": patches}
    assert client.patch(DOCUMENTS, json=body).json() == {
        "accepted": 2,
        "revision": 5,
        "indexed": True,
        "missing": ["nobody"],
        "missing_count": 1,
    }
    assert prices(client) == {"d0": 50, "d1": 1, "d2": 50}


def test_patches_of_one_document_are_applied_one_after_the_other(
    client: TestClient, put: Put
) -> None:
    put(*documents(1))
    patches = [{"id": "d0", "metadata": each} for each in ({"a": {"x": 1}}, {"a": {"y": 2}})]
    assert client.patch(DOCUMENTS, json=patches).json()["accepted"] == 2
    assert client.get(f"{DOCUMENTS}/d0").json()["metadata"] == {"price": 0, "a": {"x": 1, "y": 2}}


def test_one_patch_that_cannot_be_kept_refuses_all_of_them(client: TestClient, put: Put) -> None:
    put(*documents(2))
    patches = [{"id": "d0", "metadata": {"price": 9}}, {"id": "d1", "text": " "}]
    answer = client.patch(DOCUMENTS, json=patches)
    assert (answer.status_code, "'d1'" in answer.json()["detail"]) == (422, True)
    assert prices(client) == {"d0": 0, "d1": 1}


def test_a_stream_of_patches_is_kept_in_batches(client: TestClient, put: Put) -> None:
    put(*documents(3))
    patches = [{"id": f"d{n}", "metadata": {"price": -n}} for n in range(1200)]
    answer = client.patch(DOCUMENTS, content=lines(*patches), headers=NDJSON).json()
    assert (answer["accepted"], answer["missing_count"]) == (3, 1197)
    assert (len(answer["missing"]), answer["missing"][0]) == (1000, "d3")
    assert prices(client) == {"d0": 0, "d1": -1, "d2": -2}


@pytest.mark.parametrize(
    "wrong",
    [{"id": "d1"} | {"text": ""}, {"id": "d1", "metadata": {"x": 10**400}}, {"metadata": {}}],
)
def test_a_wrong_line_among_patches_is_named_and_those_before_it_are_kept(
    client: TestClient, put: Put, wrong: dict[str, Any]
) -> None:
    put(*documents(3))
    good = [{"id": one, "metadata": {"price": 9}} for one in ("d0", "d2")]
    answer = client.patch(DOCUMENTS, content=lines(good[0], wrong, good[1]), headers=NDJSON)
    problem = answer.json()
    assert (answer.status_code, problem["line"], problem["accepted"]) == (422, 2, 1)
    assert prices(client) == {"d0": 9, "d1": 1, "d2": 2}


def test_documents_are_read_in_the_order_of_the_ids_that_are_asked_for(
    client: TestClient, put: Put
) -> None:
    put(*documents(20))
    answer = client.post(f"{DOCUMENTS}/get", json={"ids": ["d9", "x", "d11", "d9", "d0"]}).json()
    assert [one["id"] for one in answer["documents"]] == ["d9", "d11", "d0"]
    assert answer["documents"][0] == documents(10)[9] | {"title": "", "revision": 10}
    assert (answer["missing"], answer["left_out"]) == (["x"], [])


def test_what_would_make_the_answer_too_large_is_left_out_and_named(tmp_path: Any) -> None:
    with serving(tmp_path, limits={"max_answer_bytes": 1024}) as client:
        client.post("/collections", json={"name": "default"})
        large = [{"id": f"d{n}", "text": "x" * 600} for n in range(4)]
        client.post(DOCUMENTS, json={"documents": large, "wait": False})
        ids = ["none", "d0", "d1", "other", "d2"]
        answer = client.post(f"{DOCUMENTS}/get", json={"ids": ids}).json()
        assert [one["id"] for one in answer["documents"]] == ["d0", "d1"]
        assert (answer["missing"], answer["left_out"]) == (["none"], ["other", "d2"])


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_many_are_written_where_the_collection_is_as_it_was_seen(
    client: TestClient, put: Put, method: str
) -> None:
    put(*documents(3))
    body = {"documents": [{"id": "d1", "text": "hat"}, {"id": "d2", "text": "hat"}]}
    for tag, status in (('"2"', 412), ('"3"', 200), ('"3"', 412), ('"4", "5"', 200)):
        answer = client.request(method, DOCUMENTS, json=body, headers={"If-Match": tag})
        assert answer.status_code == status, (tag, answer.text)


def test_none_of_many_replaces_another_where_that_is_asked(client: TestClient, put: Put) -> None:
    put(*documents(1))
    body = {"documents": [{"id": "new", "text": "hat"}, {"id": "d0", "text": "hat"}]}
    answer = client.post(DOCUMENTS, json=body, headers={"If-None-Match": "*"})
    assert (answer.status_code, "'d0' exists" in answer.json()["detail"]) == (412, True)
    assert set(prices(client)) == {"d0"}
    missing = client.patch(DOCUMENTS, json=body, headers={"If-Match": "*"})
    assert (missing.status_code, missing.json()["revision"]) == (412, None)


def test_a_condition_on_a_thousand_documents_takes_a_few_statements(
    client: TestClient, put: Put
) -> None:
    from sqlalchemy import event  # noqa: PLC0415

    statements: list[str] = []
    engine = service_of(client).engine.catalog.database.engine
    put(*documents(3))
    body = {"documents": [{"id": f"n{n}", "text": "hat"} for n in range(1500)], "wait": False}
    record = lambda *given: statements.append(given[2])  # noqa: E731
    event.listen(engine, "before_cursor_execute", record)
    answer = client.post(DOCUMENTS, json=body, headers={"If-None-Match": "*"})
    event.remove(engine, "before_cursor_execute", record)
    assert answer.status_code == 200
    assert len([one for one in statements if "documents.doc_id IN" in one]) == 4


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_no_condition_can_hold_for_a_stream(client: TestClient, method: str) -> None:
    answer = client.request(method, DOCUMENTS, content=b"", headers=NDJSON | {"If-None-Match": "*"})
    assert (answer.status_code, "batches" in answer.json()["detail"]) == (422, True)
