"""A worker with simple jobs beside what asks for them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.paths import ROOT


@contextmanager
def simple_worker(queue_url: str) -> Iterator[None]:
    """Whatever the queue holds is done as long as the block lasts."""
    command = [sys.executable, "-m", "tests.index.job_worker", queue_url]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"working\n"
            yield
        finally:
            process.kill()
