import json
from dataclasses import replace
from pathlib import Path

import pytest

from molt.artifact import CorruptFileError, UnsupportedFormatError, write_manifest
from molt.training.errors import EvaluationError
from molt.training.evaluation.report import REPORT_FORMAT, Curves, Report
from molt.training.evaluation.store import ReportStore, read_report
from tests.training.judging import Evaluate


@pytest.fixture
def report(evaluated: Evaluate) -> Report:
    found = evaluated(slices=("kind",), group="shop")
    curves = Curves(loss=((0, 1.5), (10, 0.5)), dev=((0, 0.2), (1, 0.3)))
    return replace(found, curves=curves, data_card={"dropped": {"empty": 2}})


@pytest.fixture
def store(tmp_path: Path) -> ReportStore:
    return ReportStore(tmp_path / "reports")


def test_a_report_is_read_as_it_was_written(store: ReportStore, report: Report) -> None:
    store.publish(report)
    assert store.read(report.id) == report


def test_a_report_is_a_directory_with_both_files(store: ReportStore, report: Report) -> None:
    folder = store.publish(report)
    assert folder == store.root / report.id
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json"]
    assert store.ids() == [report.id]


def test_a_report_of_the_same_id_is_replaced(store: ReportStore, report: Report) -> None:
    store.publish(replace(report, version="older"))
    store.publish(report)
    assert store.read(report.id).version == report.version
    assert [path.name for path in store.root.iterdir()] == [report.id]


def test_a_report_that_cannot_be_written_leaves_the_former_one(
    store: ReportStore, report: Report
) -> None:
    store.publish(report)
    with pytest.raises(Exception, match="serialize"):
        store.publish(replace(report, data_card={"x": object()}))
    assert store.read(report.id) == report
    assert [path.name for path in store.root.iterdir()] == [report.id]


def test_a_flipped_digit_is_found(store: ReportStore, report: Report) -> None:
    path = store.publish(report) / "report.json"
    text = path.read_text()
    path.write_text(text.replace('"losses": ', '"losses": 1', 1))
    with pytest.raises(CorruptFileError, match="SHA-256"):
        read_report(path)


def test_a_newer_format_is_refused(store: ReportStore, report: Report) -> None:
    path = store.publish(report) / "report.json"
    body = json.loads(path.read_text())
    del body["sha256"]
    write_manifest(path, body | {"format": REPORT_FORMAT + 1})
    with pytest.raises(UnsupportedFormatError, match="upgrade"):
        read_report(path)


def test_what_is_no_report_is_refused_with_the_place(store: ReportStore, report: Report) -> None:
    path = store.publish(report) / "report.json"
    body = json.loads(path.read_text())
    del body["sha256"]
    body["plan"]["alpha"] = "often"
    write_manifest(path, body)
    with pytest.raises(CorruptFileError, match=r"plan\.alpha"):
        read_report(path)


@pytest.mark.parametrize("report_id", ["0123456789abcdef", "../reports", ""])
def test_an_unknown_report_is_refused_with_those_there_are(
    store: ReportStore, report: Report, report_id: str
) -> None:
    store.publish(report)
    with pytest.raises(EvaluationError, match=report.id):
        store.read(report_id)
