from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from molt import __version__
from molt.app.http.admission import Bulkhead
from molt.index.catalog.keys import Role
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


def test_a_collection_that_cannot_be_loaded_is_named(shop: TestClient) -> None:
    service = service_of(shop)
    collections = service.engine.catalog.collections
    active = collections.get("default").generation
    collections.point("default", generation="0" * 32)
    service.engine.live_collections.refresh("default")
    ready = shop.get("/readyz")
    assert ready.status_code == 503
    assert "'default'" in ready.json()["problems"][0]
    assert shop.get("/search", params={"q": "boots"}).json()["generation"] == active
    collections.point("default", generation=active)
    service.engine.live_collections.refresh("default")
    assert shop.get("/readyz").status_code == 200
