import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT


def test_what_runs_jobs_ends_with_the_last_and_begins_with_the_next(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    command = [sys.executable, "-m", "tests.worker.dispatching", str(home)]
    worked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert worked.returncode == 0, worked.stderr
    assert worked.stdout.splitlines() == [
        "failed after 1: there is no collection 'first'; create it first",
        "failed after 1: there is no collection 'second'; create it first",
    ]
