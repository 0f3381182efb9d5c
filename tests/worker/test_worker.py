"""A worker that waits is small: what runs jobs is loaded with the first that is there to run."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from molt.artifact import Home
from molt.index.jobs.database import jobs_url
from molt.index.jobs.job import JobKind, JobRequest
from molt.index.jobs.queue import JobQueue

HEAVY = ("dbos", "polars", "faiss", "tokenizers", "numpy", "alembic", "fastapi", "molt.encoder")
WAITING = f"""
import json, sys
from pathlib import Path
from molt.engine.settings import load_settings
from molt.index.catalog.catalog import open_catalog
from molt.worker.worker import Jobs

settings = load_settings(home=Path(sys.argv[1]))
jobs = Jobs(settings, open_catalog(settings.catalog))
jobs.tidy()
waits = jobs.waiting.any()
print(json.dumps([waits, [name for name in {HEAVY!r} if name in sys.modules]]))
"""
REINDEX = JobRequest(JobKind.REINDEX, "shop")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a catalog."""
    looked(tmp_path)
    return tmp_path


def looked(home: Path) -> tuple[bool, list[str]]:
    """What a worker of `home` sees when it begins, and what it has loaded by then."""
    command = [sys.executable, "-c", WAITING, str(home)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    waits, loaded = json.loads(done.stdout)
    return waits, loaded


def test_a_worker_that_nobody_has_asked_loads_nothing_that_runs_jobs_and_makes_no_queue(
    home: Path,
) -> None:
    assert looked(home) == (False, [])
    assert not (home / "jobs.sqlite3").exists()


def test_nor_one_whose_jobs_have_all_ended(home: Path) -> None:
    with closing(JobQueue(jobs_url(home, None))) as queue:
        queue.cancel(queue.ask(REINDEX).id)
        assert looked(home) == (False, [])
        queue.ask(REINDEX)
    assert looked(home) == (True, [])


def test_what_a_job_has_left_is_seen_to(home: Path) -> None:
    folders = Home(home).job_folders
    (folders / "gone").mkdir(parents=True)  # just now: its job may be about to be asked for
    with closing(JobQueue(jobs_url(home, None))) as queue:
        ended = queue.cancel(queue.ask(REINDEX).id)
    (folders / ended.id).mkdir()
    assert "dbos" in looked(home)[1]
    assert [folder.name for folder in folders.iterdir()] == ["gone"]
