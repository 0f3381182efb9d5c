"""Asking for a job from the command line, and following it to its end.

A job is done by the home's worker. Where none runs, the command runs one for as long as it follows.
"""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from molt.cli.edge import CommandError
from molt.cli.following import shown_job, told_place, told_seconds, told_value
from molt.cli.invocation import Invocation
from molt.cli.output import Listing

if TYPE_CHECKING:
    from pathlib import Path

    from molt.engine.settings import Settings
    from molt.index.jobs.job import Job, JobRequest
    from molt.index.jobs.queue import JobQueue

_LOOK_SECONDS = 0.5
_ALONE = {"MOLT_WATCH__SECONDS": "0", "MOLT_LOG__LEVEL": "error"}
"""A worker beside no server has nobody to watch, and a person reads its job's events here."""


@contextmanager
def opened_queue(settings: "Settings") -> Iterator["JobQueue"]:
    """The job queue of a home."""
    from molt.index.jobs.queue import JobQueue

    with closing(JobQueue(settings.jobs)) as queue:
        yield queue


def ask(call: Invocation, settings: "Settings", request: "JobRequest", *, detach: bool) -> None:
    """Ask for a job and follow it, or only say its id. Raises `CommandError` where it fails."""
    with opened_queue(settings) as queue:
        job = queue.ask(request)
        if detach:
            call.show(job_fields(job), lambda: Listing(("job",), [(job.id,)]))
        else:
            call.note(f"Job {job.id}; Ctrl-C leaves it to the worker, `molt jobs cancel` ends it.")
            follow(call, settings, queue, job)


def follow(call: Invocation, settings: "Settings", queue: "JobQueue", job: "Job") -> None:
    """Show a job's events until it ends, and what it made.

    Raises `CommandError` where it failed or was cancelled.
    """
    from molt.index.jobs.progress import ProgressMeter

    with _worked(call, settings, job), shown_job(call, job.kind) as show:
        last, meter = -1, ProgressMeter(job.kind)
        while True:
            job = queue.get(job.id)
            for event in queue.events(job.id, after=last):
                last = event.number
                show(event.content, meter.hear(event.content))
            if job.state.ended:
                break
            time.sleep(_LOOK_SECONDS)
    if job.error is not None:
        raise CommandError(f"job {job.id} failed: {job.error}")
    if job.state == "cancelled":
        raise CommandError(f"job {job.id} was cancelled")
    call.show(job_fields(job), lambda: result(job))


def _worked(call: Invocation, settings: "Settings", job: "Job") -> AbstractContextManager[None]:
    """A worker for as long as a job is followed, where it needs one and none runs."""
    from molt.app.supervisor import supervised_worker
    from molt.engine.sections import LogSettings
    from molt.engine.telemetry.logs import configure_logs

    if job.state.ended or worker_runs(settings.home):
        return nullcontext()
    if not settings.worker.start:
        call.note("No worker runs, and worker.start is false; `molt worker` runs one.")
    configure_logs(LogSettings(level="warning", format="console"))
    return supervised_worker(settings, environment=_ALONE)


def worker_runs(home: "Path") -> bool:
    """Does a process run the jobs of this home?"""
    from molt.artifact import Home, exclusive

    try:
        with exclusive(Home(home).worker_lock):
            return False
    except BlockingIOError:
        return True


def job_fields(job: "Job") -> dict[str, Any]:
    """A job as JSON."""
    from dataclasses import asdict

    return asdict(job)


_DECIDED = {"reasons": "why", "sight": "in sight", "advice": "what helps"}


def _decided(decision: dict[str, Any]) -> list[tuple[str, str]]:
    """What the gate decided, a sentence a line."""
    facts = [("gate", "accepted" if decision.get("accepted") else "refused")]
    for name, shown in _DECIDED.items():
        facts += [(shown, told_value(sentence)) for sentence in decision.get(name) or ()]
    return facts


def result(job: "Job") -> Listing:
    """What a job made, a fact a line."""
    facts = [("job", job.id), ("state", job.state)]
    if isinstance(job.result, dict):
        decision = job.result.get("decision")
        decided = decision if isinstance(decision, dict) else {}
        told = dict(job.result)
        if decided and told.get("refused") == decided.get("reasons"):
            del told["refused"]  # the gate's words, which are told as its own
        for name, value in told.items():
            facts += _decided(decided) if value is decided else [(name, told_value(value))]
    if job.progress is not None:
        left = job.progress.seconds_left
        facts += [
            ("at", told_place(job.progress)),
            ("progress", f"{job.progress.percent:.0f} %"),
            ("time left", "-" if left is None else f"about {told_seconds(left)}"),
        ]
    if job.error is not None:
        facts.append(("error", job.error))
    return Listing(("field", "value"), facts)
