"""Other people's programs, unmodified, against one running server; `make clients` runs them.

Each is a program of its own, in an environment that holds the clients and nothing of Molt.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from molt.index.catalog.catalog import home_url, open_catalog
from tests.app.serving import Process, started
from tests.clients.environment import ENVIRONMENT, QUIET

pytestmark = pytest.mark.clients

PROGRAMS = Path(__file__).parent / "programs"
PYTHON = sorted(path.stem for path in PROGRAMS.glob("*_*.py"))
RANKING = sorted(path.stem for path in (PROGRAMS / "ranking").glob("*.py"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    home = tmp_path_factory.mktemp("home")
    catalog = open_catalog(home_url(home))
    catalog.aliases.set("text-embedding-3-small", "default")
    catalog.close()
    with started(home) as process:
        yield process


def answer_of(program: Path, *command: str | Path, url: str) -> Any:
    """The last line that a program writes."""
    done = subprocess.run(
        [*command, program, url],
        env=os.environ | QUIET,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def check(answer: dict[str, list[list[float]]]) -> None:
    documents, query = np.array(answer["documents"]), np.array(answer["query"])
    assert documents.shape == (3, 64)
    assert np.linalg.norm(documents, axis=1) == pytest.approx(1, abs=1e-5)
    assert (documents @ query).argmax() == 1


@pytest.mark.parametrize("program", PYTHON)
def test_a_client_in_python_embeds_documents_and_queries(server: Process, program: str) -> None:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        pytest.skip("the clients are not installed; `make clients` installs and tests them")
    check(answer_of(PROGRAMS / f"{program}.py", python, url=server.url))


def test_openais_client_in_javascript_embeds_documents_and_queries(
    server: Process, tmp_path: Path
) -> None:
    node, modules = shutil.which("node"), ENVIRONMENT / "node_modules"
    if node is None or not modules.is_dir():
        pytest.skip("Node.js or its package `openai` is not installed here")
    program = tmp_path / "program.mjs"
    program.write_bytes((PROGRAMS / "openai_javascript.mjs").read_bytes())
    (tmp_path / "node_modules").symlink_to(modules)
    check(answer_of(program, node, url=server.url))


@pytest.mark.parametrize("program", RANKING)
def test_a_client_in_python_ranks_documents(server: Process, program: str) -> None:
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        pytest.skip("the clients are not installed; `make clients` installs and tests them")
    ranked: list[Any] = answer_of(PROGRAMS / "ranking" / f"{program}.py", python, url=server.url)
    (first, best), (second, worse) = ranked
    assert (first, second) == (1, 2)
    assert 1 > best > worse > 0


def test_every_program_is_run() -> None:
    assert len(PYTHON) >= 9
    assert len(RANKING) >= 1
