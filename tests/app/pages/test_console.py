"""The console: what an administrator sees, and what of it they do."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.app.pages.frame.rendering import _environment
from molt.app.service import Service
from molt.engine.telemetry.redaction import REDACTED
from molt.index.catalog.access.audit import AuditFilter
from molt.index.catalog.access.keys import Role
from molt.index.catalog.access.reach import Reach
from molt.index.catalog.releases import Reason
from molt.index.jobs.job import Job, JobKind, JobRequest, JobState
from molt.index.ranking.ranking import SearchRanking
from tests.app.pages.conftest import HOSTILE, Person, log_in, token_in
from tests.app.serving import BOOTS, service_of, serving
from tests.checkpoints import build_checkpoint
from tests.generations import make_generation
from tests.judged_reports import keep_report

TABS = ["", "/jobs", "/checkpoints", "/upload", "/keys", "/settings", "/collections/default"]
RETRAIN = "/console/collections/default/retrain"
NESTED = "is nested too deeply"


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The console where no key is asked for, over a collection of three documents."""
    with serving(tmp_path_factory.mktemp("plant")) as client:
        client.post("/collections", json={"name": "default"})
        client.post("/collections/default/documents", json={"documents": BOOTS})
        client.headers["X-Molt-Token"] = token_in(client.get("/console").text)
        yield client


@pytest.fixture
def service(plant: TestClient) -> Service:
    return service_of(plant)


@pytest.mark.parametrize("tab", TABS)
def test_the_console_is_the_administrators(person: Person, tab: str) -> None:
    assert person(Role.ADMIN).get(f"/console{tab}").status_code == 200
    assert person(Role.WRITE).get(f"/console{tab}").status_code == 403
    asked = person(None).get(f"/console{tab}", follow_redirects=False)
    assert asked.headers["location"].startswith("/login")


def test_who_may_not_see_the_console_is_not_led_to_it(person: Person) -> None:
    assert 'href="/console"' not in person(Role.WRITE).get("/").text
    assert 'href="/console"' in person(Role.ADMIN).get("/").text


def test_the_overview_tells_counts_and_lag_of_each_collection(plant: TestClient) -> None:
    page = plant.get("/console").text
    row = re.search(r"/console/collections/default.*?</tr>", page, re.DOTALL)
    assert row is not None
    assert re.findall(r'class="num"[^>]*>(\d+)<', row[0]) == ["3", "0", "0", "0", "0"]
    assert "serving" in row[0]


def test_a_key_of_some_collections_sees_those_alone(keyed: TestClient, person: Person) -> None:
    engine = service_of(keyed).engine
    engine.create("theirs")
    secret = engine.catalog.keys.create("tenant", Role.ADMIN, reach=Reach.of(["default"]))
    tenant = person(None)
    assert log_in(tenant, secret) == 303
    page = tenant.get("/console").text
    assert "/console/collections/default" in page
    assert "/console/collections/theirs" not in page
    assert tenant.get("/console/collections/theirs").status_code == 403
    assert tenant.get("/console/keys").status_code == 403


def test_a_retrain_is_previewed_and_then_asked_for(plant: TestClient, service: Service) -> None:
    form = {"config": "[run]\nepochs = 2", "promote": "never", "step": "preview"}
    preview = plant.post(RETRAIN, data=form)
    assert preview.status_code == 200, preview.text
    assert "run.epochs" in preview.text
    assert service.engine.jobs.list() == []
    asked = plant.post(RETRAIN, data=form | {"step": "start"}, follow_redirects=False)
    (job,) = service.engine.jobs.list()
    assert asked.headers["location"] == f"/console/jobs/{job.id}"
    assert job.options["config"] == {"run": {"epochs": 2}}
    assert job.options["promote"] == "never"
    again = plant.post(RETRAIN, data=form | {"step": "start"}, follow_redirects=False)
    assert again.status_code == 409
    cancelled = plant.post(f"/console/jobs/{job.id}/cancel")
    assert cancelled.status_code == 200
    assert service.engine.jobs.get(job.id).state is JobState.CANCELLED


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"config": "[run"}, "is no TOML"),
        ({"config": "[run]\nepochs = 'many'"}, "config.run.epochs"),
        ({"config": "[nothing]"}, "config.nothing"),
        ({"promote": "force"}, "force needs a reason"),
        ({"promote": "perhaps"}, "promote"),
    ],
)
def test_a_retrain_that_cannot_be_is_refused_in_its_preview(
    plant: TestClient, form: dict[str, str], said: str
) -> None:
    answer = plant.post(RETRAIN, data=form)
    assert answer.status_code == 422
    assert said in unescape(answer.text)


def test_a_release_is_rolled_back_and_stands_in_the_history(
    plant: TestClient, service: Service
) -> None:
    first = service.engine.catalog.collections.get("default").generation
    second = make_generation(service.engine, "default")
    service.engine.releaser.activate(second, reason=Reason("test", "built"))
    place = "/console/collections/default"
    assert first is not None
    assert plant.post(f"{place}/rollback", data={"reason": HOSTILE}).status_code == 200
    assert service.engine.catalog.collections.get("default").generation == first
    page = plant.get(place).text
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    answer = plant.post(f"{place}/activate", data={"generation": second, "reason": "better"})
    assert answer.status_code == 200
    assert service.engine.catalog.collections.get("default").generation == second
    assert plant.post(f"{place}/activate", data={"generation": "0" * 32}).status_code == 404
    assert plant.post(f"{place}/activate", data={"reason": "x"}).status_code == 422


def test_a_job_is_shown_with_what_it_told(plant: TestClient, service: Service) -> None:
    engine = service.engine
    collection = engine.catalog.collections.get("default")
    job = engine.jobs.ask(JobRequest(JobKind.MERGE, "default", collection_id=collection.id))
    page = plant.get(f"/console/jobs/{job.id[:8]}")
    assert page.status_code == 200
    assert f'data-events="/console/jobs/{job.id}/events"' in page.text
    part = plant.get(f"/console/jobs/{job.id}", headers={"HX-Target": "job-state"}).text
    assert "<html" not in part
    assert "every 2s" in part
    engine.jobs.cancel(job.id)
    part = plant.get(f"/console/jobs/{job.id}", headers={"HX-Target": "job-state"}).text
    assert "every 2s" not in part
    with plant.stream("GET", f"/console/jobs/{job.id}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        assert "event: end" in "".join(events.iter_text())


def judged_job(checkpoint: str, **result: Any) -> Job:
    """A retrain that has ended, as the queue would tell it."""
    made = {"promoted": False, "checkpoint": checkpoint, "report": "a1" * 8} | result
    now = datetime.now(UTC)
    return Job(
        "f" * 32, JobKind.RETRAIN, "default", {}, "ops", JobState.DONE, now, now, 1, result=made
    )


@pytest.fixture
def ended(service: Service, monkeypatch: pytest.MonkeyPatch) -> Callable[[Job], None]:
    """Has the queue know of one more job."""

    jobs = service.engine.jobs
    looked, began = jobs.look, jobs.beginning_with

    def know(job: Job) -> None:
        one = {job.id: job}
        monkeypatch.setattr(jobs, "look", lambda job_id: one.get(job_id) or looked(job_id))
        monkeypatch.setattr(
            jobs, "beginning_with", lambda given: [job] if given == job.id else began(given)
        )

    return know


def test_what_the_gate_refused_is_served_with_a_reason_its_report_and_its_ranking(
    plant: TestClient, service: Service, ended: Callable[[Job], None]
) -> None:
    refused = {"accepted": False, "reasons": ["no gain"], "sight": ["70 queries"], "advice": ["a"]}
    ranking = SearchRanking().describe()
    made = build_checkpoint(service.settings.layout.checkpoints)
    job = judged_job(made.id, decision=refused, ranking=ranking)
    ended(job)
    page = plant.get(f"/console/jobs/{job.id}").text
    for said in ("The gate refused it", "no gain", "70 queries", "Serve it anyway…", "Judge what"):
        assert said in page
    place = f"/console/jobs/{job.id}/serve"
    assert plant.post(place).status_code == 415
    assert plant.post(place, data={"reason": ""}).status_code == 422
    asked = plant.post(place, data={"reason": HOSTILE}, follow_redirects=False)
    assert asked.status_code == 303, asked.text
    (reload, *_) = service.engine.jobs.list()
    assert asked.headers["location"] == f"/console/jobs/{reload.id}"
    service.engine.jobs.cancel(reload.id)
    assert reload.kind == JobKind.RELOAD
    assert reload.options == {
        "checkpoint": made.id,
        "reason": HOSTILE,
        "report": "a1" * 8,
        "ranking": ranking,
    }


def test_what_serves_already_or_was_never_judged_is_not_offered(
    plant: TestClient, service: Service, ended: Callable[[Job], None]
) -> None:
    collection = service.engine.catalog.collections.get("default")
    serving = service.engine.status(collection).checkpoint
    assert serving is not None
    for job in (
        judged_job(serving),
        judged_job("0" * 16, promoted=True),
        judged_job("0" * 16, report=None),
    ):
        ended(job)
        assert "Serve it" not in plant.get(f"/console/jobs/{job.id}").text
        answer = plant.post(f"/console/jobs/{job.id}/serve", data={"reason": "why not"})
        assert answer.status_code == 422
        assert "serves already" in answer.text


def test_before_and_after_a_release_are_a_click_away(
    plant: TestClient, service: Service, ended: Callable[[Job], None]
) -> None:
    engine = service.engine
    first = engine.catalog.collections.get("default").generation
    second = make_generation(engine, "default")
    engine.releaser.activate(second, reason=Reason("test", "trained"))
    job = judged_job("0" * 16, promoted=True, generation=second)
    ended(job)
    compare = "/compare?collection=default&c=hybrid&c=hybrid%40"
    assert f"{compare}{first}" in plant.get(f"/console/jobs/{job.id}").text
    assert f"{compare}{first}" in plant.get("/console/collections/default").text
    engine.releaser.rollback("default", reason=Reason())
    assert f"{compare}{second}" in plant.get(f"/console/jobs/{job.id}").text
    assert plant.get(f"{compare}{second}&q=boots").status_code == 200


def test_a_quick_retrain_sets_what_nobody_wrote(plant: TestClient) -> None:
    form = {"config": "[run]\nepochs = 2", "pace": "quick"}
    page = plant.post(RETRAIN, data=form).text
    shown = dict(re.findall(r'<dt class="mono">([\w.]+)</dt><dd class="mono">(.*?)</dd>', page))
    assert shown == {"run.epochs": "2", "run.max_length": "64"}


def test_what_a_job_made_is_said_in_words() -> None:
    template = _environment().from_string("{{ value | said }}")
    value = {"dev": [0.65119, 1], "improved": True, "why": "p < 0.05", "none": None}
    shown = template.render(value=value)
    assert unescape(shown) == "dev 0.6512; 1, improved yes, why p < 0.05, none none"
    assert "<" not in shown


def test_a_new_key_is_shown_once_and_can_be_revoked(keyed: TestClient, person: Person) -> None:
    admin = person(Role.ADMIN)
    token = token_in(admin.get("/console/keys").text)
    form = {"name": HOSTILE, "role": "write", "collections": "shop, shop-*", "days": "30"}
    made = admin.post("/console/keys", data=form | {"token": token})
    assert made.status_code == 200
    found = re.search(r'class="secret">(molt_[^<]+)<', made.text)
    assert found is not None
    key = service_of(keyed).engine.catalog.keys.verify(found[1])
    assert key is not None
    assert (key.name, key.role, key.reach.patterns) == (HOSTILE, Role.WRITE, ("shop", "shop-*"))
    assert found[1] not in admin.get("/console/keys").text
    assert "<script>alert" not in made.text
    assert admin.post("/console/keys", data=form | {"token": token}).status_code == 409
    ended = admin.post("/console/keys/revoke", data={"name": HOSTILE, "token": token})
    assert ended.status_code == 200
    assert service_of(keyed).engine.catalog.keys.verify(found[1]) is None
    gone = admin.post("/console/keys/revoke", data={"name": HOSTILE, "token": token})
    assert gone.status_code == 404


def test_the_first_key_has_to_be_one_that_can_make_others(plant: TestClient) -> None:
    refused = plant.post("/console/keys", data={"name": "reader", "role": "read"})
    assert refused.status_code == 422
    assert "must be admin" in refused.text


def test_the_secret_of_a_new_key_is_in_no_log_of_what_was_done(
    keyed: TestClient, person: Person
) -> None:
    admin = person(Role.ADMIN)
    form = {"name": "audited", "role": "read", "token": token_in(admin.get("/console/keys").text)}
    admin.post("/console/keys", data=form)
    (entry, *_) = service_of(keyed).engine.catalog.audit.page(AuditFilter(), limit=1)
    assert (entry.attempt.action, entry.attempt.actor) == ("POST /console/keys", "admin")
    assert "name audited" in entry.attempt.target
    assert "molt_" not in str(entry)


CSV = b"id,title,text,price\n1,Boots,warm boots,80\n2,Socks,wool socks,12\n,Tent,,200\n"


def test_a_file_is_looked_at_and_then_kept(plant: TestClient, service: Service) -> None:
    looked = plant.post("/console/upload", params={"name": "shop.csv"}, content=CSV)
    assert looked.status_code == 200, looked.text
    assert "2 documents" in looked.text
    assert "1 row cannot be read" in looked.text
    assert "Rows that cannot be read" in looked.text
    assert str(service.settings.home) not in looked.text
    upload = re.search(r'name="upload" value="(\w+)"', looked.text)
    assert upload is not None
    assert "shop" not in [one.name for one in service.engine.catalog.collections.list()]
    form = {"upload": upload[1], "collection": "shop"}
    kept = plant.post("/console/upload/keep", data=form)
    assert kept.status_code == 200, kept.text
    assert "2 documents" in kept.text
    assert service.engine.catalog.collections.get("shop").documents == 2
    assert plant.post("/console/upload/keep", data=form).status_code == 422
    assert [*service.settings.layout.uploads.iterdir()] == []


def test_what_was_guessed_of_a_file_is_told_without_its_place(
    plant: TestClient, service: Service
) -> None:
    rows = b'{"text": "<p>warm</p> boots"}\n{"text": "socks"}\n'
    looked = plant.post("/console/upload", params={"name": "texts.jsonl"}, content=rows)
    assert "no column is known to hold ids" in looked.text
    assert str(service.settings.home) not in looked.text
    (left,) = service.settings.layout.uploads.iterdir()
    rmtree(left)


def test_judgments_that_are_brought_are_kept_too(plant: TestClient, service: Service) -> None:
    qrels = b"query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n"
    looked = plant.post("/console/upload", params={"name": "test.tsv"}, content=qrels)
    assert "2 judgments" in looked.text, looked.text
    upload = re.search(r'name="upload" value="(\w+)"', looked.text)
    assert upload is not None
    form = {"upload": upload[1], "collection": "default"}
    assert plant.post("/console/upload/keep", data=form).status_code == 200
    collection = service.engine.catalog.collections.get("default")
    assert service.engine.catalog.judgments.counts(collection).judgments == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("texts.pdf", b"%PDF"),
        ("weights.pkl", b"\x80\x04"),
        ("nothing.csv", b""),
        ("../../../etc/passwd", b"root"),
        ("", b"x"),
        (HOSTILE, b"x"),
        ("x" * 900 + ".bin", b"\0" * 100),
    ],
)
def test_what_cannot_be_read_is_refused_and_not_kept(
    plant: TestClient, service: Service, name: str, content: bytes
) -> None:
    answer = plant.post("/console/upload", params={"name": name}, content=content)
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert str(service.settings.home) not in answer.text
    assert [*service.settings.layout.uploads.iterdir()] == []


def test_a_file_that_is_too_large_is_refused_and_not_kept(
    plant: TestClient, service: Service
) -> None:
    most = service.settings.limits.max_body_bytes

    def pieces() -> Iterator[bytes]:
        for _ in range(most // 2**20 + 2):
            yield b"x" * 2**20

    for content in (pieces(), b"x" * (most + 1)):
        answer = plant.post("/console/upload", params={"name": "large.csv"}, content=content)
        assert answer.status_code == 413
        assert "limits.max_body_bytes" in answer.text
        assert [*service.settings.layout.uploads.iterdir()] == []


def test_an_upload_that_nobody_came_back_for_is_removed(
    plant: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.post("/console/upload", params={"name": "old.csv"}, content=CSV)
    (old,) = service.settings.layout.uploads.iterdir()
    now = time.time()
    monkeypatch.setattr("molt.app.pages.console.uploads.time.time", lambda: now + 4000)
    plant.post("/console/upload", params={"name": "new.csv"}, content=CSV)
    assert not old.exists()
    monkeypatch.undo()


@pytest.mark.parametrize("upload", ["..", "../..", "0" * 32, "a/b", "x" * 40])
def test_an_upload_is_named_by_its_id_alone(plant: TestClient, upload: str) -> None:
    form = {"upload": upload, "collection": "default"}
    refused = plant.post("/console/upload/keep", data=form)
    assert refused.status_code == 422
    assert "upload: " in refused.text


def test_settings_are_shown_without_passwords(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        service = service_of(client)
        url = "postgresql://molt:hunter2@db/molt?sslpassword=hunter3"
        service.settings = service.settings.model_copy(update={"jobs_url": url})
        page = client.get("/console/settings").text
    assert "limits.max_k" in page
    assert "hunter" not in page
    assert REDACTED in page


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("a=" + "[" * 9_000, NESTED),
        ("a=" + "{b=" * 3_000, NESTED),
        ("a." * 4_900 + "b=1", NESTED),
        ("#" + "x" * 10_000, "has 10001 characters; at most 10000 are taken"),
    ],
    ids=["lists", "tables", "keys", "characters"],
)
def test_a_configuration_that_is_nested_without_end_or_too_long_is_refused(
    plant: TestClient, config: str, said: str
) -> None:
    answer = plant.post(RETRAIN, data={"config": config})
    assert answer.status_code == 422, answer.text[:500]
    assert f"config: {said}" in unescape(answer.text)


def test_a_configuration_as_long_as_it_may_be_is_taken(plant: TestClient) -> None:
    assert plant.post(RETRAIN, data={"config": "#" + "x" * 9_999}).status_code == 200


def test_a_collection_s_page_tells_how_often_candidates_were_judged_on_test(
    tmp_path: Path,
) -> None:
    with serving(tmp_path) as client:
        client.post("/collections", json={"name": "default"})
        assert "Judged on test" not in client.get("/console/collections/default").text
        service = service_of(client)
        keep_report(service.settings.home, service.engine.catalog, "default")
        page = client.get("/console/collections/default").text
        assert re.search(r"Judged on test</dt><dd>1 candidate since .*a level of 0.0167", page)


def test_a_job_s_page_tells_what_the_gate_decided_and_leads_to_what_to_judge() -> None:
    decision = {"accepted": False, "reasons": ["no gain"], "sight": ["0.04"], "advice": ["label"]}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = {"report": "a" * 16, "decision": decision}
    job = Job("j", JobKind.RETRAIN, "shop", {}, "ann", JobState.DONE, now, now, 1, result=made)
    template = _environment().get_template("console_job_state.html")
    page = template.render(job=job, alarm=False, viewer=None, unserved=None, other=None)
    assert "The gate refused it" in page
    assert re.findall(r"<li>(.*?)</li>", page) == ["no gain", "0.04", "label"]
    assert f'href="/judge?collection=shop&report={"a" * 16}"' in page
    earlier = replace(job, result={"decision": {"accepted": True, "reasons": ["better"]}})
    assert "The gate accepted it" in template.render(
        job=earlier, alarm=False, viewer=None, unserved=None, other=None
    )
