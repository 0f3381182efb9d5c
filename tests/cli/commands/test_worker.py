import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from molt.artifact import Home
from molt.cli.asking import worker_runs
from molt.index.catalog.catalog import home_url, open_catalog
from molt.worker.liveness import Heartbeat
from molt.worker.worker import WorkerRunningError, hold_worker
from tests.cli.conftest import Molt
from tests.server import MOLT

WITHOUT_TRAIN = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "sentence_transformers", "datasets",
                "ir_measures", "jinja2", "matplotlib", "onnx", "optuna", "scipy", "tomli_w"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
import molt.worker.worker
import molt.worker.dispatcher
"""


def test_a_leashed_worker_is_the_only_one_and_ends_with_whoever_holds_the_leash(
    home: Path,
) -> None:
    home.mkdir()
    command = [MOLT, "--home", home, "worker", "--supervised"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stderr=pipe, text=True) as worker:
        assert worker.stderr is not None
        assert '"worker.started"' in worker.stderr.readline()
        assert worker_runs(home)
        with pytest.raises(WorkerRunningError, match="already"), hold_worker(Home(home)):
            pass
        worker.communicate()  # closes its input
    assert worker.returncode == 0
    assert not worker_runs(home)
    with closing(open_catalog(home_url(home))) as catalog:
        assert catalog.collections.list() == ()


def test_a_worker_needs_nothing_of_the_train_extra_to_begin() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_TRAIN], check=True)


def test_a_worker_that_lives_is_told_from_none_and_from_one_that_hangs(
    molt: Molt, home: Path
) -> None:
    home.mkdir()
    assert "no process runs the jobs" in molt("worker", "--check").stderr
    with hold_worker(Home(home)):
        Heartbeat(Home(home)).beat()
        assert molt("--json", "worker", "--check").value == {"worker": "alive"}
        os.utime(Home(home).worker_lock, (0, 0))
        hanging = molt("worker", "--check")
    assert hanging.status == 1
    assert "has given no sign" in hanging.stderr
    ended = molt("worker", "--check")
    assert ended.status == 1
    assert "start `molt worker`" in ended.stderr
