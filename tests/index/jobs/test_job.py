import pytest

from molt.index.jobs.job import QUEUES, JobKind, JobRequest, JobState, QueueName


def test_every_kind_of_job_has_a_line() -> None:
    assert QUEUES.keys() == set(JobKind)
    assert set(QUEUES.values()) == set(QueueName)


@pytest.mark.parametrize("state", JobState)
def test_a_job_that_waits_or_runs_has_not_ended(state: JobState) -> None:
    assert state.ended is (state not in {"waiting", "running"})


def test_a_worker_is_told_everything_of_a_request_but_its_kind() -> None:
    request = JobRequest(JobKind.RELOAD, "shop", {"checkpoint": "c"}, actor="ops")
    assert request.arguments() == {
        "collection_id": None,
        "collection": "shop",
        "options": {"checkpoint": "c"},
        "actor": "ops",
    }
