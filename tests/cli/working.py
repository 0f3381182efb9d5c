"""A worker beside commands."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from molt.engine.settings import load_settings
from tests.paths import ROOT


@contextmanager
def worked(home: Path) -> Iterator[None]:
    """A worker with simple jobs runs the queue of a home."""
    command = [sys.executable, "-m", "tests.index.job_worker", load_settings(home=home).jobs]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"working\n"
            yield
        finally:
            process.kill()
