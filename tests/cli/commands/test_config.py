from pathlib import Path

import pytest

from molt.engine.telemetry.redaction import redacted_url
from tests.cli.conftest import Molt


def test_each_value_says_where_it_came_from(
    molt: Molt, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "molt.toml").write_text("port = 9000\n[limits]\nmax_k = 5\n[log]\nlevel = 'info'\n")
    monkeypatch.setenv("MOLT_LIMITS__MAX_K", "7")
    monkeypatch.setenv("MOLT_LOG", '{"level": "error"}')
    shown = molt("--json", "config", "show").value
    assert shown["home"] == {"value": str(home), "source": "flag"}
    assert shown["limits.max_k"] == {"value": 7, "source": "environment"}
    assert shown["port"] == {"value": 9000, "source": "molt.toml"}
    assert shown["log.level"] == {"value": "error", "source": "environment"}
    assert shown["log.format"] == {"value": "auto", "source": "default"}


def test_a_listing_shows_every_setting_on_a_line(molt: Molt) -> None:
    shown = molt("config", "show").stdout.splitlines()
    assert shown[0] == "setting\tvalue\tsource"
    assert "limits.max_k\t1000\tdefault" in shown


@pytest.mark.parametrize("setting", ["MOLT_CATALOG_URL", "MOLT_JOBS_URL"])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hunter2@db/molt",
        "postgresql://db/molt?user=u&password=hunter2",
        "postgresql://db/molt?sslpassword=hunter2",
        "::hunter2::",
    ],
)
def test_a_password_is_never_shown(
    molt: Molt, monkeypatch: pytest.MonkeyPatch, url: str, setting: str
) -> None:
    monkeypatch.setenv(setting, url)
    for options in ((), ("--json",)):
        shown = molt(*options, "config", "show")
        assert shown.status == 0
        assert "hunter2" not in shown.stdout + shown.stderr


def test_the_password_of_a_collector_is_never_shown(
    molt: Molt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOLT_TRACING__ENDPOINT", "https://user:hunter2@collector:4318")
    for options in ((), ("--json",)):
        shown = molt(*options, "config", "show").stdout
        assert "user:***@collector:4318" in shown
        assert "hunter2" not in shown


def test_a_url_without_a_secret_is_shown_as_it_is() -> None:
    for url in ("postgresql://user@db/molt", "http://localhost:4318"):
        assert redacted_url(url) == url


def test_a_setting_with_an_impossible_value_is_named(
    molt: Molt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOLT_PORT", "seventy")
    shown = molt("config", "show")
    assert shown.status == 1
    assert "setting port" in shown.stderr


def test_a_broken_toml_file_is_an_error_and_no_traceback(molt: Molt, home: Path) -> None:
    home.mkdir()
    (home / "molt.toml").write_text("port = = 1")
    shown = molt("config", "show")
    assert shown.status == 1
    assert "molt.toml" in shown.stderr
    assert "Traceback" not in shown.stderr
