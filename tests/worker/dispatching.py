"""A worker that rests as soon as nothing is to be done: `python -m tests.worker.dispatching HOME`.

Asks for a job, waits until it ended and the library that runs jobs has ended too, and does both
once more. Prints how each job ended.
"""

import sys
import threading
import time
from pathlib import Path

import structlog

from molt.engine.settings import load_settings
from molt.index.catalog.catalog import open_catalog
from molt.index.jobs.job import JobKind, JobRequest
from molt.index.jobs.queue import JobQueue
from molt.worker import worker

SOON = 30.0


def is_launched() -> bool:
    """Does the library look for work?"""
    return any(thread.name.startswith("queue-worker") for thread in threading.enumerate())


def wait_until(*, launched: bool) -> None:
    until = time.monotonic() + SOON
    while is_launched() is not launched:
        assert time.monotonic() < until, [thread.name for thread in threading.enumerate()]
        time.sleep(0.01)


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    worker.LINGER_SECONDS = 0.0
    settings = load_settings(home=Path(sys.argv[1]))
    stopping = threading.Event()
    jobs = worker.Jobs(settings, open_catalog(settings.catalog))
    queue = JobQueue(settings.jobs)
    dispatching = threading.Thread(target=worker.dispatch, args=(jobs, stopping))
    dispatching.start()
    for name in ("first", "second"):
        assert not is_launched()
        job = queue.ask(JobRequest(JobKind.EVALUATE, name, {}, actor="tests"))
        wait_until(launched=True)
        wait_until(launched=False)
        ended = queue.get(job.id)
        sys.stdout.write(f"{ended.state} after {ended.attempts}: {ended.error}\n")
    stopping.set()
    dispatching.join()


if __name__ == "__main__":
    main()
