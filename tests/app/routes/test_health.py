from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from molt import __version__
from molt.app.http.admission import Bulkhead
from molt.index.catalog.access.keys import Role
from tests.app.serving import service_of, serving


def test_a_started_server_is_alive_ready_and_well(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"ready": True, "problems": []}
    assert client.get("/health").json() == {
        "status": "ok",
        "version": __version__,
        "problems": [],
    }


def test_a_server_that_stops_is_not_ready_and_takes_no_more(client: TestClient) -> None:
    service_of(client).stopping = True
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["problems"]) == (503, ["the server is shutting down"])
    assert client.get("/health").json()["status"] == "unavailable"
    assert client.get("/livez").status_code == 200
    refused = client.get("/collections")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")


def test_a_job_that_failed_is_named_until_one_succeeds_and_traffic_goes_on(
    client: TestClient,
) -> None:
    engine = service_of(client).engine
    engine.catalog.collections.create("shop")
    engine.catalog.failures.note("shop", kind="retrain", job="j1", reason="too few judgments")
    engine.live_collections.refresh_changed()
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert ready.json()["problems"] == [
        "collection 'shop': retrain failed (job j1): too few judgments"
    ]
    assert client.get("/health").json()["status"] == "degraded"
    engine.catalog.failures.clear("shop", kind="retrain")
    engine.live_collections.refresh_changed()
    assert client.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health"])
def test_health_asks_for_no_key(client: TestClient, path: str) -> None:
    service_of(client).engine.catalog.keys.create("admin", Role.ADMIN)
    assert client.get(path).status_code == 200


def test_health_is_answered_while_every_queue_is_full(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        client.get("/collections")
        with full(client, *Bulkhead):
            assert client.get("/collections").status_code == 429
            for path in ("/livez", "/readyz", "/health"):
                assert client.get(path).status_code == 200


def test_metrics_are_told_to_who_has_a_key_while_the_queues_are_full(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        service = service_of(client)
        headers = {"api-key": service.engine.catalog.keys.create("prometheus", Role.READ)}
        with full(client, *(set(Bulkhead) - {Bulkhead.KEYS, Bulkhead.METRICS})):
            assert client.get("/collections", headers=headers).status_code == 429
            assert client.get("/metrics", headers=headers).status_code == 200


@contextmanager
def full(client: TestClient, *bulkheads: Bulkhead) -> Iterator[None]:
    """Queues without room."""
    admissions = service_of(client).bulkheads
    for bulkhead in bulkheads:
        admissions[bulkhead].pending = 10_000
    yield
    for bulkhead in bulkheads:
        admissions[bulkhead].pending = 0


def test_a_collection_whose_newest_generation_is_refused_is_named_and_traffic_goes_on(
    shop: TestClient,
) -> None:
    service = service_of(shop)
    collections = service.engine.catalog.collections
    active = collections.get("default").generation
    collections.point("default", generation="0" * 32)
    service.engine.live_collections.refresh("default")
    ready = shop.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert "'default'" in ready.json()["problems"][0]
    assert shop.get("/health").json()["status"] == "degraded"
    assert shop.get("/search", params={"q": "boots"}).json()["generation"] == active
    state = shop.get("/collections/default").json()
    assert (state["state"], state["problem"]) == ("refused", ready.json()["problems"][0])
    metrics = shop.get("/metrics").text
    assert 'molt_collection_refused{collection="default"} 1.0' in metrics
    assert 'molt_collection_answers{collection="default"} 1.0' in metrics
    collections.point("default", generation=active)
    service.engine.live_collections.refresh("default")
    assert shop.get("/readyz").json()["problems"] == []
    assert shop.get("/collections/default").json()["state"] == "serving"


def test_a_server_that_cannot_answer_any_search_is_not_ready(tmp_path: Path) -> None:
    with serving(tmp_path, index={"seal": False}) as client:
        engine = service_of(client).engine
        engine.catalog.collections.create("shop")
        engine.catalog.collections.point("shop", generation="0" * 32)
        engine.live_collections.refresh_changed()
        assert client.get("/readyz").status_code == 503
        assert client.get("/health").json()["status"] == "unavailable"
        refused = client.get("/search", params={"q": "boots", "collection": "shop"})
        assert (refused.status_code, "0" * 32 in refused.json()["detail"]) == (503, True)
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        engine.catalog.collections.create("other")
        engine.live_collections.refresh_changed()
        assert client.get("/readyz").status_code == 200
        engine.catalog.collections.delete("shop")
        engine.catalog.collections.delete("other")
        engine.live_collections.refresh_changed()
        assert client.get("/readyz").json() == {"ready": True, "problems": []}


def test_a_damaged_default_checkpoint_is_named_and_what_else_can_be_served_is(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as client:
        engine = service_of(client).engine
        sound = engine.catalog.aliases.get("default")
        engine.catalog.collections.create("shop")
        engine.live_collections.refresh_changed()
        engine.catalog.aliases.set("default", "f" * 16)
        engine.live_collections.refresh_changed()
        engine.live_collections.check_default()
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["problems"][0].startswith(f"default checkpoint {'f' * 16}")
        assert client.get("/search", params={"q": "x", "collection": "shop"}).status_code == 200
        engine.catalog.aliases.set("default", sound)
        engine.live_collections.refresh_changed()
        engine.live_collections.check_default()
        assert client.get("/readyz").json() == {"ready": True, "problems": []}


def test_what_is_wrong_is_told_to_who_has_a_key_and_that_something_is_to_everybody(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as client:
        engine = service_of(client).engine
        engine.catalog.collections.create("shop")
        engine.catalog.failures.note("shop", kind="retrain", job="j1", reason="/secret/path")
        engine.live_collections.refresh_changed()
        assert "/secret/path" in client.get("/readyz").text
        key = engine.catalog.keys.create("monitor", Role.READ)
        service_of(client).guard._locked_until = 0.0
        for path in ("/readyz", "/health"):
            known = client.get(path, headers={"api-key": key}).json()
            assert "/secret/path" in known["problems"][0]
            for headers in ({}, {"api-key": "molt_wrong"}):
                stranger = client.get(path, headers=headers)
                assert stranger.json() == known | {"problems": []}
                assert stranger.status_code == 200
        assert client.get("/health").json()["status"] == "degraded"


def test_whether_it_goes_well_is_told_although_nobody_can_look_up_keys(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        service = service_of(client)
        service.engine.catalog.collections.create("shop")
        service.engine.catalog.failures.note("shop", kind="retrain", job="j1", reason="none")
        service.engine.live_collections.refresh_changed()
        service.guard._admission.pending = 10_000
        assert client.get("/readyz").json() == {"ready": True, "problems": []}
        service.guard._admission.pending = 0


def test_a_queue_that_is_no_database_is_named_until_it_is_mended(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite3").write_bytes(b"no database" * 500)
    with serving(tmp_path) as client:
        wait_for_health(client, "degraded")
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert "jobs.sqlite3 is not an SQLite database" in ready.json()["problems"][0]
        (tmp_path / "jobs.sqlite3").unlink()
        wait_for_health(client, "ok")


def test_a_worker_that_dies_again_and_again_is_named(tmp_path: Path) -> None:
    (tmp_path / "worker.died").write_text("the worker has died 3 times in a row")
    with serving(tmp_path) as client:
        wait_for_health(client, "degraded")
        assert client.get("/readyz").json()["problems"] == ["the worker has died 3 times in a row"]
        (tmp_path / "worker.died").unlink()
        wait_for_health(client, "ok")


def wait_for_health(client: TestClient, status: str) -> None:
    while client.get("/health").json()["status"] != status:
        pass
