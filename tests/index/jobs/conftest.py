from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.index.jobs.queue import JobQueue
from tests.index.jobs.databases import DATABASES, bare_url, fresh_url


@pytest.fixture(params=DATABASES)
def queue_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh database of each kind that a queue can live in."""
    with fresh_url(request, tmp_path) as url:
        yield url


@pytest.fixture(params=DATABASES)
def unmade_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a queue will be, once somebody makes it, in each kind of database."""
    with bare_url(request, tmp_path) as url:
        yield url


@pytest.fixture
def queue(queue_url: str) -> Iterator[JobQueue]:
    """An empty queue without a worker."""
    with closing(JobQueue(queue_url)) as queue:
        yield queue
