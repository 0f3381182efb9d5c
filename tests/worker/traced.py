"""A worker whose spans are kept: `python -m tests.worker.traced HOME`.

Asks within a span for a job that fails in its first step, and prints the spans of the job: the name
of each, how it ended, and whether it is of the trace of whoever asked.
"""

import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import structlog

from molt.artifact.tracing import traced
from molt.engine.settings import load_settings
from molt.index.catalog.catalog import open_catalog
from molt.index.jobs.job import JobKind, JobRequest
from molt.index.jobs.queue import JobQueue
from molt.worker import worker
from tests.spans import recorded

SOON = 30.0


def main() -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings = load_settings(home=Path(sys.argv[1]))
    with (
        closing(open_catalog(settings.catalog)) as catalog,
        closing(JobQueue(settings.jobs)) as queue,
        recorded() as spans,
    ):
        catalog.collections.create("shop")
        stopping = threading.Event()
        jobs = worker.Jobs(settings, catalog)
        dispatching = threading.Thread(target=worker.dispatch, args=(jobs, stopping), daemon=True)
        with traced("asking"):
            job = queue.ask(JobRequest(JobKind.MERGE, "shop", {}, actor="tests"))
        dispatching.start()
        until = time.monotonic() + SOON
        while not spans.named("job merge") and time.monotonic() < until:
            time.sleep(0.01)
        asked = spans.only("asking")
        for span in spans.all:
            if span is not asked:
                same = span.context.trace_id == asked.context.trace_id
                sys.stdout.write(f"{span.name} {span.status.description} {same}\n")
        sys.stdout.write(f"{spans.only('job merge').attributes['molt.job'] == job.id}\n")
        stopping.set()
        dispatching.join(SOON)


if __name__ == "__main__":
    main()
