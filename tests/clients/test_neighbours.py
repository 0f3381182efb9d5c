"""Molt's own components for frameworks, each in an environment with the framework."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.serving import Process, started
from tests.clients.environment import ENVIRONMENT, QUIET
from tests.paths import ROOT

pytestmark = pytest.mark.clients

PROGRAMS = Path(__file__).parent / "programs" / "neighbours"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with started(tmp_path_factory.mktemp("home")) as server:
        yield server


def told(server: Process, program: str) -> Any:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        pytest.skip("the frameworks are not installed; `make clients` installs and tests them")
    source = ROOT / "clients" / "python" / "src"
    done = subprocess.run(
        [python, PROGRAMS / f"{program}.py", server.url],
        env=os.environ | QUIET | {"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_llama_index_retrieves_and_embeds(server: Process) -> None:
    found = told(server, "llama_index_molt")
    assert found["ids"] == ["b", "c"]
    assert found["first"] == ["warm boots", 1]
    assert found["falls"]
    assert found["vectors"][0] == 3
    assert found["vectors"][1] == found["vectors"][2] > 0


def test_haystack_stores_filters_and_retrieves(server: Process) -> None:
    found = told(server, "haystack_molt")
    assert found["counts"] == [0, 3, 0, 2]
    assert found["failed"]
    assert found["ids"] == ["b", "c"]
    assert found["first"] == ["warm boots", 1, True]
    assert found["kept"] == ["a"]
    assert found["all"] == ["b", "c"]
