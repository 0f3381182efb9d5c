"""`molt jobs`: what the worker was asked for: list, show, follow, cancel, dismiss."""

from typing import Annotated

import typer

from molt.cli.asking import follow, job_fields, opened_queue, result
from molt.cli.home import existing_home, opened_catalog
from molt.cli.invocation import Invocation
from molt.cli.output import Listing

JobArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Id of the job, or how it alone begins.")
]

_COLUMNS = ("id", "kind", "collection", "state", "actor", "created_at", "error")


def list_jobs(
    call: Invocation,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 20,
) -> None:
    """List the newest jobs, newest first."""
    with opened_queue(existing_home(call)) as queue:
        found = [job_fields(job) for job in queue.list(limit=limit)]
    call.show(
        {"jobs": found},
        lambda: Listing(
            _COLUMNS,
            [tuple(job[name] for name in _COLUMNS) for job in found],
            empty="No jobs yet; `molt retrain COLLECTION` asks for one.",
        ),
    )


def show(call: Invocation, job_id: JobArgument) -> None:
    """Show how far a job has come, what it made, or why it failed."""
    with opened_queue(existing_home(call)) as queue:
        job = queue.look(queue.find(job_id).id)
    call.show(job_fields(job), lambda: result(job))


def follow_job(call: Invocation, job_id: JobArgument) -> None:
    """Follow a job to its end; where the home has no worker, run one meanwhile."""
    settings = existing_home(call)
    with opened_queue(settings) as queue:
        follow(call, settings, queue, queue.find(job_id))


def cancel(call: Invocation, job_id: JobArgument) -> None:
    """Cancel a job; what is at work stops within seconds."""
    with opened_queue(existing_home(call)) as queue:
        job = queue.cancel(queue.find(job_id).id)
    call.show(job_fields(job), lambda: result(job))


def dismiss(call: Invocation, job_id: JobArgument) -> None:
    """Take back the alarm that a failed job raised; the job stays as it is."""
    settings = existing_home(call)
    with opened_queue(settings) as queue, opened_catalog(settings) as catalog:
        job = queue.find(job_id)
        catalog.failures.dismiss(job.id)
    call.show(job_fields(job), lambda: result(job))
