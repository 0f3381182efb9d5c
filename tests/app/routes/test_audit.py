"""The audit log over HTTP: what is written down of requests, and how it is read."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.index.catalog.access.keys import Role
from molt.index.catalog.access.reach import Reach
from molt.index.errors import CatalogBusyError
from tests.app.serving import service_of, serving


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client with an administrator's key; `secrets` are keys of every kind."""
    with serving(tmp_path_factory.mktemp("audited")) as client:
        keys = service_of(client).engine.catalog.keys
        later = datetime.now(UTC) + timedelta(days=1)
        client.secrets = {  # type: ignore[attr-defined]
            "admin": keys.create("admin", Role.ADMIN),
            "writer": keys.create("writer", Role.WRITE),
            "tenant": keys.create("tenant", Role.ADMIN, reach=Reach.of(["mine"])),
            "guest": keys.create("guest", Role.ADMIN, expires_at=later),
        }
        with service_of(client).engine.catalog.database.writing() as connection:
            ended = "UPDATE keys SET expires_at = '2001-01-01 00:00:00' WHERE name = 'guest'"
            connection.exec_driver_sql(ended)
        service_of(client).guard._locked_until = 0.0
        client.headers["api-key"] = client.secrets["admin"]  # type: ignore[attr-defined]
        yield client


def newest(client: TestClient, **query: Any) -> dict[str, Any]:
    answer = client.get("/admin/audit", params={"limit": 1} | query)
    assert answer.status_code == 200
    entry: dict[str, Any] = answer.json()["entries"][0]
    return entry


def test_what_a_key_changes_is_written_down_with_its_id(keyed: TestClient) -> None:
    assert keyed.post("/collections", json={"name": "shop"}).status_code == 201
    entry = newest(keyed)
    assert (entry["actor"], entry["key"]) == ("admin", 1)
    assert (entry["action"], entry["target"]) == ("POST /collections", "name shop")
    assert (entry["outcome"], entry["detail"]) == ("done", "")
    moment = datetime.fromisoformat(entry["at"])
    assert datetime.now(UTC) - moment < timedelta(minutes=1)


def test_what_fails_is_written_down_with_why(keyed: TestClient) -> None:
    keyed.post("/admin/rollback", json={"collection": "none"})
    entry = newest(keyed)
    assert (entry["action"], entry["outcome"]) == ("POST /admin/rollback", "failed")
    assert "there is no collection 'none'" in entry["detail"]
    keyed.post("/admin/rollback", json={"collection": 7})
    assert "collection" in newest(keyed)["detail"]
    keyed.delete("/admin/jobs/nothing")
    assert newest(keyed)["target"] == "id nothing"


@pytest.mark.parametrize(
    ("key", "method", "path", "reason"),
    [
        ("writer", "POST", "/admin/rollback", "needs the role admin"),
        ("writer", "GET", "/admin/jobs", "needs the role admin"),
        ("tenant", "POST", "/admin/rollback", "is for the collections mine"),
        ("tenant", "GET", "/admin/audit", "without --collection"),
        ("guest", "POST", "/admin/rollback", "expired on"),
    ],
)
def test_what_is_refused_to_a_key_is_written_down(
    keyed: TestClient, key: str, method: str, path: str, reason: str
) -> None:
    headers = {"api-key": keyed.secrets[key]}  # type: ignore[attr-defined]
    body = {"collection": "theirs"} if method == "POST" else None
    answer = keyed.request(method, path, json=body, headers=headers)
    assert answer.status_code == (401 if key == "guest" else 403)
    entry = newest(keyed)
    assert (entry["actor"], entry["action"]) == (key, f"{method} {path}")
    assert (entry["outcome"], reason in entry["detail"]) == ("refused", True)


def test_looks_and_strangers_are_not_written_down(keyed: TestClient) -> None:
    before = newest(keyed)
    keyed.get("/admin/jobs")
    keyed.get("/collections")
    for headers in ({"api-key": "molt_none"}, {"api-key": ""}):
        assert keyed.post("/admin/rollback", json={}, headers=headers).status_code == 401
    assert newest(keyed) == before


def test_while_keys_cannot_be_read_what_administers_is_unavailable_and_nothing_is_written_down(
    keyed: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: Any, **__: Any) -> None:
        raise CatalogBusyError("no connection")

    before = newest(keyed)
    monkeypatch.setattr(service_of(keyed).guard, "_read", lost)
    answer = keyed.post("/admin/rollback", json={})
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    monkeypatch.undo()
    assert newest(keyed) == before


def test_refusals_beyond_a_bound_are_not_written_down(
    keyed: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molt.app.http.auditing._MOST_REFUSALS", 3)
    auditor = service_of(keyed).auditor
    monkeypatch.setattr(auditor, "_refusals", 0)
    monkeypatch.setattr(auditor, "_since", float("inf"))
    headers = {"api-key": keyed.secrets["writer"]}  # type: ignore[attr-defined]
    for number in range(5):
        keyed.delete(f"/admin/jobs/job-{number}", headers=headers)
    assert newest(keyed)["target"] == "id job-1"


def test_pages_follow_each_other_and_end(keyed: TestClient) -> None:
    for number in range(3):
        keyed.delete(f"/admin/jobs/page-{number}")
    seen, cursor = [], None
    query = {"action": "DELETE /admin/jobs/{id}", "outcome": "failed", "limit": 2}
    while True:
        page = keyed.get("/admin/audit", params=query | ({"cursor": cursor} if cursor else {}))
        seen += [entry["target"] for entry in page.json()["entries"]]
        cursor = page.json()["cursor"]
        if cursor is None:
            break
    assert seen[:3] == ["id page-2", "id page-1", "id page-0"]


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "x"},
        {"cursor": "9" * 30},
        {"cursor": "-1"},
        {"limit": 0},
        {"outcome": "lost"},
        {"since": "yesterday"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"actor": "a\0b"},
    ],
)
def test_a_query_that_cannot_be_is_refused(keyed: TestClient, query: dict[str, Any]) -> None:
    assert keyed.get("/admin/audit", params=query).status_code == 422


def test_times_bound_what_is_listed(keyed: TestClient) -> None:
    keyed.post("/collections", json={"name": "later"})
    now = datetime.now(UTC)
    ahead = (now + timedelta(minutes=1)).isoformat()
    assert keyed.get("/admin/audit", params={"since": ahead}).json()["entries"] == []
    assert keyed.get("/admin/audit", params={"until": "2001-01-01"}).json()["entries"] == []
    assert newest(keyed, since="2001-01-01", until=ahead)["target"] == "name later"
