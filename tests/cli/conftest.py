import json
import logging
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.testing import CliRunner

from molt.cli.main import app
from molt.engine.encoders import Encoders
from molt.index.catalog.catalog import home_url, open_catalog
from tests.hashing import HashingEncoder
from tests.server import MOLT


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit status and both outputs."""

    status: int
    stdout: str
    stderr: str

    @property
    def value(self) -> Any:
        """The one JSON value on standard output."""
        return json.loads(self.stdout)

    @property
    def lines(self) -> list[Any]:
        """Every JSON line on standard output."""
        return [json.loads(line) for line in self.stdout.splitlines()]


Molt = Callable[..., Outcome]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def molt(home: Path, monkeypatch: pytest.MonkeyPatch) -> Molt:
    """Runs a command over `home` in this process."""
    monkeypatch.delenv("MOLT_HOME", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, stdin: str | None = None) -> Outcome:
        done = CliRunner().invoke(app, ["--home", str(home), *arguments], input=stdin)
        return Outcome(done.exit_code, done.stdout, done.stderr)

    return run


@pytest.fixture
def installed(home: Path) -> Molt:
    """Runs the installed command over `home` in a process of its own."""

    def run(*arguments: str) -> Outcome:
        done = subprocess.run(
            [MOLT, "--home", home, *arguments], capture_output=True, text=True, check=False
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


def flip_last_byte(path: Path) -> None:
    """Damage a file without changing its size, nor what else is linked to it."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()
    path.write_bytes(content)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Logs warnings, as commands do, without holding on to a stream that will be closed."""
    monkeypatch.setattr("molt.engine.telemetry.logs.configure_logs", lambda settings: None)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()


@pytest.fixture
def hashing(home: Path, quiet: None, monkeypatch: pytest.MonkeyPatch) -> list[HashingEncoder]:
    """Lets every command in this process encode by hashing words; the encoders it opened.

    The checkpoint of the hashing encoder of seed 1 is that encoder; any other is that of seed 0.
    """
    opened: list[HashingEncoder] = []
    other = HashingEncoder(seed=1).checkpoint.id

    def open_one(wanted: str) -> HashingEncoder:
        opened.append(HashingEncoder(seed=1 if wanted == other else 0))
        return opened[-1]

    monkeypatch.setattr(
        "molt.engine.engine.checkpoint_encoders", lambda settings: Encoders(open_one)
    )
    home.mkdir()
    with closing(open_catalog(home_url(home))) as catalog:
        catalog.aliases.set("default", HashingEncoder().checkpoint.id)
    return opened
