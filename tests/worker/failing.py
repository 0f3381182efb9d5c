"""A worker whose steps fail as nobody foresaw: `python -m tests.worker.failing HOME`.

Asks for three jobs of the collection `shop`, one after another: a panic ends the step of the first,
an error of a library that of the second, and nothing that of the third. Prints how each ended.
"""

import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import structlog

from molt.engine.settings import load_settings
from molt.index.catalog.catalog import open_catalog
from molt.index.jobs.job import JobKind, JobRequest
from molt.index.jobs.queue import JobQueue
from molt.worker import worker
from molt.worker.context import JobContext
from tests.panics import PanicException

SOON = 30.0
SECRET = "the text of a document"
FAILURES = (PanicException(SECRET), ValueError(SECRET), None)


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings = load_settings(home=Path(sys.argv[1]))
    with (
        closing(open_catalog(settings.catalog)) as catalog,
        closing(JobQueue(settings.jobs)) as queue,
    ):
        catalog.collections.create("shop")
        stopping = threading.Event()
        jobs = worker.Jobs(settings, catalog)
        dispatching = threading.Thread(target=worker.dispatch, args=(jobs, stopping), daemon=True)
        dispatching.start()
        for failure in FAILURES:
            JobContext.active = failing(failure)  # type: ignore[method-assign]
            job = queue.ask(JobRequest(JobKind.MERGE, "shop", {}, actor="tests"))
            until = time.monotonic() + SOON
            while not (now := queue.get(job.id)).state.ended and time.monotonic() < until:
                time.sleep(0.01)
            sys.stdout.write(f"{now.state}: {now.error}\n")
        stopping.set()
        dispatching.join(SOON)


def failing(failure: BaseException | None) -> Any:
    """A step that ends so; where it does not, what it gives is the id of no checkpoint."""

    def active(_context: JobContext, _collection: str) -> str:
        if failure is not None:
            raise failure
        return "0" * 16

    return active


if __name__ == "__main__":
    main()
