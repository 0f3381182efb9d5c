import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from molt import __version__
from tests.cli.conftest import Molt

HEAVY = (
    "torch",
    "transformers",
    "sentence_transformers",
    "onnxruntime",
    "faiss",
    "fastapi",
    "polars",
    "sqlalchemy",
    "sqlalchemy.dialects.postgresql",
    "alembic",
    "dbos",
    "numpy",
    "tokenizers",
    "uvicorn",
    "molt.artifact",
    "molt.encoder",
    "molt.engine.settings",
)
SETTINGS = {"molt.artifact", "molt.engine.settings"}
CATALOG = SETTINGS | {"sqlalchemy"}


def loaded_by(*arguments: str, home: Path) -> set[str]:
    """The heavy modules that a command has loaded when it ends."""
    script = f"""
import json, sys
from molt.cli.main import app
try:
    app({["--home", str(home), *arguments]!r})
except SystemExit:
    pass
print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [("--help",), ("search", "--help"), ("--version",)])
def test_help_loads_no_program(arguments: tuple[str, ...], home: Path) -> None:
    assert loaded_by(*arguments, home=home) == set()


@pytest.mark.parametrize("arguments", [("config", "show"), ("worker", "--check")])
def test_what_asks_no_database_loads_settings_alone(arguments: tuple[str, ...], home: Path) -> None:
    home.mkdir()
    assert loaded_by(*arguments, home=home) == SETTINGS


def test_a_dry_run_loads_what_reads_its_files_alone(home: Path, tmp_path: Path) -> None:
    table = tmp_path / "shop.jsonl"
    table.write_text('{"id": "a", "text": "warm boots"}\n')
    assert loaded_by("import", "shop", str(table), "--dry-run", home=home) == SETTINGS


def test_keys_load_no_encoder_and_no_index(home: Path) -> None:
    made = loaded_by("keys", "create", "--role", "read", home=home)
    assert made >= {"alembic"}  # which makes the tables, this once
    assert made.isdisjoint({"numpy", "molt.encoder", "dbos", "polars", "faiss"})
    assert loaded_by("keys", "list", home=home) == CATALOG


@pytest.mark.parametrize("arguments", [("search", "shop", "boots"), ("jobs", "list")])
def test_a_command_that_fails_loads_nothing_to_say_why(
    arguments: tuple[str, ...], home: Path
) -> None:
    assert loaded_by(*arguments, home=home) == CATALOG


def test_the_version_is_the_package_s(molt: Molt) -> None:
    assert molt("--version").stdout.strip() == __version__


def test_common_options_work_on_both_sides_of_the_command(molt: Molt, tmp_path: Path) -> None:
    before = molt("--json", "config", "show").value
    after = molt("config", "show", "--json").value
    assert before == after
    elsewhere = molt("config", "show", "--json", "--home", str(tmp_path)).value
    assert elsewhere["home"]["value"] == str(tmp_path)


def test_an_unknown_command_is_wrong_usage(installed: Molt) -> None:
    done = installed("serch")
    assert done.status == 2
    assert "search" in done.stderr


def test_a_group_without_a_command_shows_its_help(installed: Molt) -> None:
    assert "revoke" in installed("keys").stdout


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("serve", "--help"), ("keys", "create", "--help"), ("jobs", "--help")],
)
def test_help_speaks_of_no_types(molt: Molt, arguments: tuple[str, ...]) -> None:
    shown = molt(*arguments).stdout
    assert re.findall(r"<\w+[^>]*>", shown) == []
    if "create" in arguments:
        assert "read|write|admin" in shown


def test_a_misspelt_variable_is_named(molt: Molt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOLT_CATALOG_ULR", "sqlite:///x")
    done = molt("keys", "create", "--role", "read")
    assert "MOLT_CATALOG_ULR is no setting; did you mean MOLT_CATALOG_URL?" in done.stderr
    assert done.stdout.startswith("molt_")
    assert "MOLT_CATALOG_ULR" not in molt("--json", "keys", "list").stderr
