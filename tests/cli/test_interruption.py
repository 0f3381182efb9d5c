"""An import that is killed or interrupted is finished by running it again."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from molt.index.generations.generation import GenerationStore
from tests.cli.conftest import Molt
from tests.server import MOLT
from tests.walks import shortened

pytestmark = pytest.mark.promise("P1", "an import that was ended half way and asked for again")

DOCUMENTS = 300


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "docs.jsonl"
    rows = ({"id": f"d{n}", "text": f"note number {n}"} for n in range(DOCUMENTS))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def ready(home: Path, molt: Molt, tiny_checkpoint: Path) -> Path:
    assert molt("checkpoints", "add", str(tiny_checkpoint)).status == 0
    return home


@contextmanager
def half_done(home: Path, corpus: Path) -> Iterator[subprocess.Popen[str]]:
    """An import that has indexed something and not everything."""
    with subprocess.Popen(
        [MOLT, "--home", home, "import", "docs", corpus],
        env=os.environ | {"MOLT_INDEX__BATCH_DOCUMENTS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        store = GenerationStore(home / "generations")
        while not any(store.read(name).revision for name in store.ids()):
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.02)
            assert process.returncode is None, process.communicate()
        yield process


ENDINGS = {signal.SIGINT: (130, "run the same command again"), signal.SIGKILL: (-9, "")}


@pytest.mark.parametrize("number", shortened(ENDINGS))
def test_an_import_that_was_ended_half_way_is_finished_by_the_same_command(
    ready: Path, corpus: Path, installed: Molt, number: signal.Signals
) -> None:
    status, words = ENDINGS[number]
    with half_done(ready, corpus) as process:
        process.send_signal(number)
        _, errors = process.communicate()
    assert process.returncode == status, errors
    assert words in errors
    assert "Traceback" not in errors
    again = installed("--json", "import", "docs", str(corpus))
    assert again.status == 0, again.stderr
    assert again.lines[-1]["revision"] == DOCUMENTS
    answer = installed("--json", "search", "docs", "note", "-k", str(2 * DOCUMENTS)).value
    assert sorted(hit["id"] for hit in answer["hits"]) == sorted(f"d{n}" for n in range(DOCUMENTS))
    assert installed("check").status == 0
