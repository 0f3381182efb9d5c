"""The training program writes reports, the service hands them out without importing it."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from molt.app.routes.reports import files
from molt.artifact import write_manifest
from molt.training.evaluation import store
from molt.training.evaluation.report import REPORT_FORMAT, Report
from tests.training.judging import Evaluate

ROUTE = "/admin/reports"


@pytest.fixture
def report(evaluated: Evaluate) -> Report:
    return evaluated(slices=("kind",), group="shop")


@pytest.fixture
def reports(tmp_path: Path) -> store.ReportStore:
    return store.ReportStore(tmp_path / "reports")


def test_a_home_without_reports_lists_none(client: TestClient) -> None:
    assert client.get(ROUTE).json() == {"reports": []}


def test_reports_are_listed_newest_first(
    client: TestClient, reports: store.ReportStore, report: Report
) -> None:
    days = {"1" * 16: 2, "2" * 16: 3, "3" * 16: 1}
    for report_id, day in days.items():
        created_at = datetime(2026, 1, day, tzinfo=UTC)
        reports.publish(replace(report, id=report_id, created_at=created_at))
    listed = client.get(ROUTE).json()["reports"]
    assert [one["id"] for one in listed] == ["2" * 16, "1" * 16, "3" * 16]
    assert listed[0]["collection"] == "shop"
    assert datetime.fromisoformat(listed[0]["created_at"]) == datetime(2026, 1, 3, tzinfo=UTC)


def test_a_report_is_handed_out_as_it_was_written(
    client: TestClient, reports: store.ReportStore, report: Report
) -> None:
    written = json.loads((reports.publish(report) / "report.json").read_text())
    del written["sha256"]
    assert client.get(f"{ROUTE}/{report.id}").json() == written


def test_the_page_shows_its_own_style_and_can_do_nothing_else(
    client: TestClient, reports: store.ReportStore, report: Report
) -> None:
    written = (reports.publish(report) / "report.html").read_text()
    answer = client.get(f"{ROUTE}/{report.id}/html")
    assert answer.text == written
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["style-src"] == "'unsafe-inline'"
    assert "sandbox" in policy
    assert policy.keys().isdisjoint({"script-src", "img-src", "connect-src"})
    assert "<style>" in written
    assert "<svg" in written
    assert not re.search(r"<script|<img|<link|\son\w+=", written)


def damage(folder: Path, name: str, content: str | None) -> None:
    path = folder / name
    path.unlink()
    if content is not None:
        path.write_text(content)


DAMAGES = {
    "a flipped digit": '{"format": 1, "sha256": "0"}',
    "no JSON": "{",
    "no file": None,
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_report_is_listed_and_otherwise_503(
    client: TestClient, reports: store.ReportStore, report: Report, kind: str
) -> None:
    reports.publish(replace(report, id="0" * 16))
    damage(reports.publish(report), "report.json", DAMAGES[kind])
    sound, damaged = client.get(ROUTE).json()["reports"]
    assert (sound["id"], damaged["id"]) == ("0" * 16, report.id)
    assert "report.json: the manifest" in damaged["problem"]
    for path in (f"{ROUTE}/{report.id}", f"{ROUTE}/{report.id}/html"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:molt:problem:unavailable")
        assert "report.json: the manifest" in answer.json()["detail"]


def test_a_report_without_its_page_says_so(
    client: TestClient, reports: store.ReportStore, report: Report
) -> None:
    damage(reports.publish(report), "report.html", None)
    assert client.get(f"{ROUTE}/{report.id}").status_code == 200
    answer = client.get(f"{ROUTE}/{report.id}/html")
    assert answer.status_code == 503
    assert "the page is missing" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"created_at": "soon", "facts": {"collection": "a"}},
        {"created_at": 1, "facts": {"collection": "a"}},
        {"created_at": "2026-01-01T00:00:00Z", "facts": []},
        {"created_at": "0001-01-01T00:00:00", "facts": {"collection": "a"}},
    ],
)
def test_what_is_no_report_makes_no_list_fail(
    client: TestClient, reports: store.ReportStore, body: dict[str, object]
) -> None:
    folder = reports.root / ("0" * 16)
    folder.mkdir(parents=True)
    write_manifest(folder / "report.json", {"format": 1} | body)
    answer = client.get(ROUTE)
    assert answer.status_code == 200
    assert [one["id"] for one in answer.json()["reports"]] == [folder.name]


UNKNOWN = ["0" * 16, "none", "..", "%2e%2e", "..%2f..", "%2Fetc", "0" * 16 + "%0A", "x" * 500]


@pytest.mark.parametrize("suffix", ["", "/html"])
@pytest.mark.parametrize("wanted", UNKNOWN)
def test_an_unknown_report_is_not_found(
    client: TestClient, tmp_path: Path, wanted: str, suffix: str
) -> None:
    (tmp_path / "report.json").write_text("{}")
    (tmp_path / "reports").mkdir()
    answer = client.get(f"{ROUTE}/{wanted}{suffix}")
    assert answer.status_code == 404
    assert str(tmp_path) not in answer.text


def test_both_programs_mean_the_same_files() -> None:
    assert (files._FORMAT, files._JSON, files._HTML) == (
        REPORT_FORMAT,
        store.REPORT_JSON,
        store.REPORT_HTML,
    )


def test_no_part_of_the_training_program_is_imported_to_read_a_report() -> None:
    program = "import sys, molt.app.application; print('molt.training' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=os.environ
    )
    assert done.stdout.strip() == "False"
