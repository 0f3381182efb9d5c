"""Jobs over HTTP: asking, looking, cancelling, following. Nobody runs them but where it is said."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient

from molt.artifact import exclusive
from molt.encoder import CheckpointStore, Prompts
from molt.engine.engine import Engine
from molt.index.catalog.access.keys import Role
from molt.index.jobs.job import JobKind, JobRequest
from tests.app.serving import service_of, serving
from tests.checkpoints import build_checkpoint
from tests.cli.recorded import EVENTS_OF
from tests.working import simple_worker

NUMBERS = count()
KINDS = ["retrain", "reload", "reindex", "merge", "evaluate", "tune", "tune-search"]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of an application with a checkpoint on disk, and without a worker."""
    with serving(tmp_path_factory.mktemp("asked")) as client:
        build_checkpoint(engine(client).checkpoints.root)
        yield client


@pytest.fixture
def shop(asked: TestClient) -> str:
    """A new, empty collection."""
    name = f"shop{next(NUMBERS)}"
    assert asked.post("/collections", json={"name": name}).status_code == 201
    return name


def engine(client: TestClient) -> Engine:
    found: Engine = service_of(client).engine
    return found


def body_of(client: TestClient, kind: str, collection: str) -> dict[str, Any]:
    """The least that is asked of a kind of job."""
    (checkpoint,) = engine(client).checkpoints.ids()
    named = {"checkpoint": checkpoint} if kind in {"reload", "evaluate"} else {}
    return {"collection": collection} | named


def ask(client: TestClient, kind: str, collection: str, **more: Any) -> Response:
    return client.post(f"/admin/{kind}", json=body_of(client, kind, collection) | more)


def job_of(answer: Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_that_is_asked_for_is_accepted_and_says_where_it_is(
    asked: TestClient, shop: str, kind: str
) -> None:
    answer = ask(asked, kind, shop)
    job = job_of(answer)
    assert answer.headers["location"] == f"/admin/jobs/{job['id']}"
    assert (job["kind"], job["collection"], job["state"]) == (kind, shop, "waiting")
    assert (job["attempts"], job["result"], job["error"]) == (0, None, None)
    assert datetime.fromisoformat(job["created_at"]).tzinfo is not None
    assert asked.get(answer.headers["location"]).json() == job


def test_what_is_asked_of_a_retraining_is_kept_with_the_job(asked: TestClient, shop: str) -> None:
    config = {"run": {"epochs": 2}, "gate": {"alpha": 0.01}}
    job = job_of(
        ask(asked, "retrain", shop, config=config, promote="force", reason="for the season")
    )
    assert job["options"] == {"config": config, "promote": "force", "reason": "for the season"}


def test_a_reindex_reuses_vectors_unless_it_is_told_not_to(asked: TestClient, shop: str) -> None:
    job = job_of(ask(asked, "reindex", shop))
    assert job["options"] == {"reuse": True}
    asked.delete(f"/admin/jobs/{job['id']}")
    assert job_of(ask(asked, "reindex", shop, reuse=False))["options"] == {"reuse": False}


def test_a_teacher_is_kept_by_its_whole_id_and_an_unknown_one_is_told_at_once(
    asked: TestClient, shop: str
) -> None:
    (checkpoint,) = engine(asked).checkpoints.ids()
    objective = {"positives": "margin-mse", "teacher": checkpoint[:8]}
    unknown = objective | {"teacher": "0" * 16}
    assert ask(asked, "retrain", shop, config={"objective": unknown}).status_code == 404
    job = job_of(ask(asked, "retrain", shop, config={"objective": objective}))
    assert job["options"]["config"]["objective"] == objective | {"teacher": checkpoint}


def test_a_search_for_a_configuration_has_twenty_trials_unless_it_is_told_otherwise(
    asked: TestClient, shop: str
) -> None:
    job = job_of(ask(asked, "tune", shop))
    assert job["options"] == {"config": {}, "trials": 20}
    asked.delete(f"/admin/jobs/{job['id']}")
    config = {"run": {"epochs": 1}}
    job = job_of(ask(asked, "tune", shop, config=config, trials=3))
    assert job["options"] == {"config": config, "trials": 3}


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_job_of_a_kind_for_a_collection_is_refused_with_the_id_of_the_first(
    asked: TestClient, shop: str, kind: str
) -> None:
    first = job_of(ask(asked, kind, shop))
    refused = ask(asked, kind, shop)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:molt:problem:job_running")
    assert refused.json()["job"] == first["id"]
    asked.delete(f"/admin/jobs/{first['id']}")
    assert job_of(ask(asked, kind, shop))["id"] != first["id"]


def test_an_idempotency_key_brings_the_same_job_also_after_it_ended(
    asked: TestClient, shop: str
) -> None:
    def ask_again(**more: Any) -> Response:
        body = {"collection": shop} | more
        return asked.post("/admin/retrain", json=body, headers={"Idempotency-Key": "night"})

    first = job_of(ask_again())
    assert job_of(ask_again()) == first
    asked.delete(f"/admin/jobs/{first['id']}")
    assert job_of(ask_again())["id"] == first["id"]
    reused = ask_again(promote="never")
    assert reused.status_code == 422
    assert reused.json()["type"] == "urn:molt:problem:idempotency_key_reused"


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_an_idempotency_key_that_is_none_is_refused(asked: TestClient, shop: str, key: str) -> None:
    answer = asked.post(
        "/admin/reindex", json={"collection": shop}, headers={"Idempotency-Key": key}
    )
    assert answer.status_code == 422


@pytest.mark.parametrize("kind", KINDS)
def test_no_job_is_made_for_an_unknown_collection(asked: TestClient, kind: str) -> None:
    answer = ask(asked, kind, "none")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:molt:problem:collection_not_found"
    assert asked.get("/admin/jobs", params={"collection": "none"}).json() == {"jobs": []}


@pytest.mark.parametrize("kind", ["reload", "evaluate"])
def test_no_job_is_made_for_an_unknown_checkpoint(asked: TestClient, shop: str, kind: str) -> None:
    answer = ask(asked, kind, shop, checkpoint="0" * 16)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:molt:problem:checkpoint_not_found"


def test_no_job_is_made_for_a_damaged_checkpoint(asked: TestClient, shop: str) -> None:
    store: CheckpointStore = engine(asked).checkpoints
    damaged = build_checkpoint(store.root, prompts=Prompts(query="damaged: "))
    (damaged.path / "checkpoint.json").write_text("{")
    try:
        body = {"collection": shop, "checkpoint": damaged.id}
        assert asked.post("/admin/reload", json=body).status_code == 503
        assert asked.get("/admin/jobs", params={"collection": shop}).json() == {"jobs": []}
    finally:
        store.remove(damaged.id)


def test_a_reload_may_say_why_and_is_the_same_request_where_it_does_not(
    asked: TestClient, shop: str
) -> None:
    checkpoint = body_of(asked, "reload", shop)["checkpoint"]
    told = job_of(ask(asked, "reload", shop, reason="the other one was slow"))
    assert told["options"] == {"checkpoint": checkpoint, "reason": "the other one was slow"}
    asked.delete(f"/admin/jobs/{told['id']}")
    silent = job_of(ask(asked, "reload", shop, reason=None))
    assert silent["options"] == {"checkpoint": checkpoint}


def test_force_without_a_reason_is_refused(asked: TestClient, shop: str) -> None:
    answer = ask(asked, "retrain", shop, promote="force")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/reason"


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("retrain", {"promote": "always"}),
        ("retrain", {"config": "run.epochs=2"}),
        ("retrain", {"reason": ""}),
        ("reload", {"checkpoint": 7}),
        ("reload", {"reason": "two\nlines"}),
        ("reindex", {"reuse": "yes"}),
        ("evaluate", {"split": "dev"}),
    ],
)
def test_a_body_that_cannot_be_is_refused_by_the_name_of_the_place(
    asked: TestClient, shop: str, kind: str, wrong: dict[str, Any]
) -> None:
    answer = ask(asked, kind, shop, **wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"#/{next(iter(wrong))}"


@pytest.mark.parametrize("kind", ["retrain", "evaluate", "tune"])
@pytest.mark.parametrize(
    "wrong",
    [
        ({"run": {"epoch": 2}}, "#/config/run/epoch", "did you mean run.epochs?"),
        ({"runs": {"epochs": 2}}, "#/config/runs", "did you mean run?"),
        ({"run": {"epochs": "many"}}, "#/config/run/epochs", "must be a whole number"),
        ({"run": {"epochs": 0}, "gate": {"alpha": 7}}, "#/config/run/epochs", "at least 1"),
        ({"run": 3}, "#/config/run", "must be"),
        ({"run.epochs": 2}, "#/config/run.epochs", "run is a section; give the key epochs inside"),
        ({"lora": {"rank": 8}, "freezing": {"layers": 1}}, "#/config", "lora"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_at_once(
    asked: TestClient, shop: str, kind: str, wrong: tuple[dict[str, Any], str, str]
) -> None:
    config, pointer, said = wrong
    answer = ask(asked, kind, shop, config=config)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert said in answer.json()["detail"]
    assert asked.get("/admin/jobs", params={"collection": shop}).json() == {"jobs": []}


def test_a_collection_made_anew_waits_for_no_job_of_the_deleted_one(
    asked: TestClient, shop: str
) -> None:
    former = job_of(ask(asked, "reindex", shop))
    assert asked.delete(f"/collections/{shop}").status_code == 204
    assert asked.post("/collections", json={"name": shop}).status_code == 201
    assert job_of(ask(asked, "reindex", shop))["id"] != former["id"]
    assert ask(asked, "reindex", shop).status_code == 409


def test_a_job_at_work_tells_how_far_it_is(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        engine(client).catalog.collections.create("shop")
        gate = tmp_path / "gate"
        events = EVENTS_OF[JobKind.RETRAIN][:6]
        asked_for = JobRequest(JobKind.RETRAIN, "shop", {"events": events, "until": str(gate)})
        job = engine(client).jobs.ask(asked_for)
        path = f"/admin/jobs/{job.id}"
        assert client.get(path).json()["progress"] is None
        with simple_worker(engine(client).settings.jobs):
            try:
                while (client.get(path).json()["progress"] or {}).get("stage") != "training":
                    assert client.get(path).json()["state"] in {"waiting", "running"}
                progress = client.get(path).json()["progress"]
            finally:
                gate.touch()
        assert (progress["step"], progress["seconds_left"]) == ("train", 600.0)
        assert 0 < progress["percent"] < 100


def test_the_alarm_of_a_failed_job_is_taken_back(client: TestClient) -> None:
    catalog = engine(client).catalog
    catalog.collections.create("shop")
    job = job_of(client.post("/admin/reindex", json={"collection": "shop"}))["id"]
    catalog.failures.note("shop", kind="reindex", job=job, reason="the disk is full")
    alarm = 'molt_job_failed{collection="shop",kind="reindex"} 1.0'
    while alarm not in client.get("/metrics").text:
        assert engine(client).readiness().ready
    assert client.get("/health").json()["status"] == "degraded"
    answer = client.post(f"/admin/jobs/{job}/dismiss")
    assert (answer.status_code, answer.json()["id"]) == (200, job)
    while alarm in client.get("/metrics").text:
        assert engine(client).readiness().ready
    assert client.get("/health").json()["problems"] == []
    assert client.post(f"/admin/jobs/{job}/dismiss").json() == answer.json()
    assert client.post("/admin/jobs/none/dismiss").status_code == 404


def test_jobs_are_listed_of_all_or_one_collection_up_to_a_limit(
    asked: TestClient, shop: str
) -> None:
    made = [job_of(ask(asked, kind, shop)) for kind in ("retrain", "reindex")]
    asked.post("/collections", json={"name": "elsewhere"})
    other = job_of(ask(asked, "retrain", "elsewhere"))

    def listed(**query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = asked.get("/admin/jobs", params=query).json()["jobs"]
        return found

    assert {job["id"] for job in listed(collection=shop)} == {job["id"] for job in made}
    assert all(job in listed() for job in (*made, other))
    assert len(listed(limit=1)) == 1
    assert asked.get("/admin/jobs", params={"limit": 0}).status_code == 422


def test_a_job_that_is_cancelled_stays_so(asked: TestClient, shop: str) -> None:
    job = job_of(ask(asked, "retrain", shop))
    cancelled = asked.delete(f"/admin/jobs/{job['id']}")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert asked.delete(f"/admin/jobs/{job['id']}").json() == cancelled.json()


@pytest.mark.parametrize("job", ["0" * 32, "none", "%2e%2e", "x" * 500])
def test_an_unknown_job_is_not_found(asked: TestClient, job: str) -> None:
    path = f"/admin/jobs/{job}"
    for answer in (asked.get(path), asked.delete(path), asked.get(f"{path}/events")):
        assert (answer.status_code, answer.json()["type"]) == (
            404,
            "urn:molt:problem:job_not_found",
        )


def test_only_an_administrator_asks_and_the_key_names_the_actor(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        client.post("/collections", json={"name": "shop"})
        assert (
            job_of(client.post("/admin/reindex", json={"collection": "shop"}))["actor"] == "local"
        )
        keys = engine(client).catalog.keys
        secrets = {role: keys.create(f"{role.value}-night", role) for role in Role}
        service_of(client).guard._locked_until = 0.0
        for role, secret in secrets.items():
            client.headers["api-key"] = secret
            answer = client.post("/admin/retrain", json={"collection": "shop"})
            assert answer.status_code == (202 if role is Role.ADMIN else 403)
            assert client.get("/admin/jobs").status_code == (200 if role is Role.ADMIN else 403)
        assert answer.json()["actor"] == "admin-night"


def events_of(text: str) -> list[dict[str, Any]]:
    """Server-sent events, each with its name, number and parsed data."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    found = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    return [event | {"id": int(event["id"]), "data": json.loads(event["data"])} for event in found]


def test_following_a_job_that_was_cancelled_ends_with_its_state(
    asked: TestClient, shop: str
) -> None:
    job = job_of(ask(asked, "retrain", shop))
    cancelled = asked.delete(f"/admin/jobs/{job['id']}").json()
    answer = asked.get(f"/admin/jobs/{job['id']}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert events_of(answer.text) == [{"event": "end", "id": -1, "data": cancelled}]


def test_a_job_is_followed_from_its_first_event_or_from_any_to_its_end(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        engine(client).catalog.collections.create("shop")
        job = engine(client).jobs.ask(JobRequest(JobKind.RETRAIN, "shop", {"tell": 3}))
        path = f"/admin/jobs/{job.id}/events"
        with simple_worker(engine(client).settings.jobs):
            *told, end = events_of(client.get(path).text)
        assert [(event["event"], event["id"]) for event in told] == [
            ("progress", n) for n in (0, 1, 2)
        ]
        assert [event["data"]["count"] for event in told] == [0, 1, 2]
        assert (end["event"], end["data"]["state"]) == ("end", "done")
        again = events_of(client.get(path, headers={"Last-Event-ID": "1"}).text)
        assert again == [told[2], end]
        assert events_of(client.get(path, headers={"Last-Event-ID": "2"}).text) == [end]


@pytest.mark.parametrize("number", ["x", "-2", "1e3", str(2**60)])
def test_a_last_event_that_is_no_number_is_refused(
    asked: TestClient, shop: str, number: str
) -> None:
    job = job_of(ask(asked, "retrain", shop))
    answer = asked.get(f"/admin/jobs/{job['id']}/events", headers={"Last-Event-ID": number})
    assert answer.status_code == 422


def test_the_head_of_what_would_be_followed_is_answered_at_once(
    asked: TestClient, shop: str
) -> None:
    job = job_of(ask(asked, "merge", shop))
    try:
        answer = asked.head(f"/admin/jobs/{job['id']}/events", headers={"Accept-Encoding": "gzip"})
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in answer.headers
    finally:
        asked.delete(f"/admin/jobs/{job['id']}")


def test_following_ends_without_an_end_when_the_server_is_told_to_stop(client: TestClient) -> None:
    engine(client).catalog.collections.create("shop")
    job = job_of(client.post("/admin/reindex", json={"collection": "shop"}))
    heard: list[Response] = []
    path = f"/admin/jobs/{job['id']}/events"
    following = Thread(target=lambda: heard.append(client.get(path)))
    following.start()
    while "molt_requests_in_flight 2.0" not in client.get("/metrics").text:
        assert following.is_alive()
    service_of(client).leaving = True
    following.join(30)
    assert (heard[0].status_code, heard[0].text) == (200, "")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/admin/jobs"), ("GET", "/admin/jobs/none"), ("DELETE", "/admin/jobs/none")],
)
def test_whoever_waits_for_the_queue_to_be_opened_keeps_nobody_waiting(
    client: TestClient, method: str, path: str
) -> None:
    queue = service_of(client).engine.settings.layout.jobs
    with ThreadPoolExecutor(2) as others:
        with exclusive(queue.with_name(f"{queue.name}.lock")):  # as who makes its tables has it
            asked = others.submit(client.request, method, path)
            with pytest.raises(TimeoutError):
                asked.result(0.5)
            alive = others.submit(client.get, "/livez")
            wait([alive], 5.0)
            answered = alive.done()
        assert asked.result(60.0).status_code in {200, 404}
    assert answered
