"""The status of a workflow, as DBOS keeps it, read as a job. Asks no database."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from molt.index.jobs.job import Job, JobState

if TYPE_CHECKING:
    from dbos import WorkflowStatus

_STATES = {
    "DELAYED": JobState.WAITING,
    "ENQUEUED": JobState.WAITING,
    "PENDING": JobState.RUNNING,
    "SUCCESS": JobState.DONE,
    "CANCELLED": JobState.CANCELLED,
}
UNENDED = [name for name, state in _STATES.items() if not state.ended]
"""How DBOS calls the states of a job that waits or is at work."""


def job_of(status: "WorkflowStatus") -> Job:
    """The job that a workflow is."""
    arguments = status.input["args"][0] if status.input else {}
    state = _STATES.get(status.status, JobState.FAILED)
    return Job(
        id=status.workflow_id,
        kind=status.name,
        collection=arguments.get("collection"),
        options=arguments.get("options", {}),
        actor=arguments.get("actor", ""),
        state=state,
        created_at=_moment(status.created_at),
        updated_at=_moment(status.updated_at),
        attempts=status.recovery_attempts or 0,
        result=status.output,
        error=_reason(status) if state is JobState.FAILED else None,
        collection_id=arguments.get("collection_id"),
    )


def _reason(status: "WorkflowStatus") -> str:
    if status.error is not None:
        return str(status.error)
    deaths = (status.recovery_attempts or 1) - 1  # it is given up when it is about to begin again
    return (
        f"the worker died {deaths} times at it; its log and the system's say why, most often it is "
        "memory"
    )


def _moment(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)
