import json
import logging
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest
import structlog

from molt.engine.sections import LogSettings
from molt.engine.telemetry.logs import configure_logs


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def test_a_line_is_one_json_object_with_a_time_and_a_level(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    configure_logs(LogSettings())
    structlog.get_logger("x").info("started", port=1)
    line = json.loads(capfdbinary.readouterr().err)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "started", "level": "info", "port": 1}


def test_what_libraries_log_has_the_same_form(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    configure_logs(LogSettings())
    logging.getLogger("some.library").warning("almost %s", "full")
    line = json.loads(capfdbinary.readouterr().err)
    assert (line["event"], line["level"], line["name"]) == (
        "almost full",
        "warning",
        "some.library",
    )


def test_a_library_s_traceback_is_part_of_its_line(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    configure_logs(LogSettings())
    try:
        int("x")
    except ValueError:
        logging.getLogger("some.library").exception("failed")
    line = json.loads(capfdbinary.readouterr().err)
    assert (line["event"], line["level"]) == ("failed", "error")
    assert line["exception"][0]["exc_type"] == "ValueError"


def test_less_severe_lines_than_the_level_are_left_out(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    configure_logs(LogSettings(level="error"))
    structlog.get_logger("x").warning("careful")
    logging.getLogger("some.library").warning("almost full")
    assert capfdbinary.readouterr().err == b""


def test_a_traceback_holds_no_values(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    configure_logs(LogSettings())
    password = "hunter2" * 2
    try:
        int(len(password) * "x")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    written = capfdbinary.readouterr().err
    assert b"ValueError" in written
    assert password.encode() not in written


def test_the_console_format_is_for_humans(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    configure_logs(LogSettings(format="console"))
    structlog.get_logger("x").info("started", port=1)
    assert b"port=1" in capfdbinary.readouterr().err


def test_logs_are_text_where_a_person_reads_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    configure_logs(LogSettings())
    structlog.get_logger("x").info("started", port=1)
    line = capsys.readouterr().err
    assert "started" in line
    assert not line.startswith("{")


@pytest.mark.parametrize("kind", ["json", "console"])
def test_what_cannot_be_written_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, kind: Literal["json", "console"]
) -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115  closing it fails, too
    monkeypatch.setattr(sys, "stderr", full)
    configure_logs(LogSettings(format=kind))
    for _ in range(1000):  # more than a buffer holds
        structlog.get_logger("x").info("told to a disk that is full")
    with suppress(OSError):
        full.close()
