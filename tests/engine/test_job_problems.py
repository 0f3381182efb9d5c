"""What keeps jobs from being done, as the serving process tells it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from molt.engine.job_problems import JobProblems
from molt.engine.settings import load_settings
from molt.index.jobs.queue import JobQueue


@pytest.fixture
def problems(tmp_path: Path) -> JobProblems:
    settings = load_settings(home=tmp_path)
    JobQueue(settings.jobs).close()
    found = JobProblems(settings)
    found.look()
    return found


def test_a_sound_queue_hinders_nothing(problems: JobProblems) -> None:
    assert problems.problems == ()


def damage(file: Path) -> None:
    file.write_bytes(b"boots " * 1000)


@pytest.mark.parametrize(
    ("harm", "told"), [(damage, "is not an SQLite database"), (Path.unlink, "was removed")]
)
def test_a_queue_that_is_damaged_or_gone_is_told_for_as_long_as_it_is(
    problems: JobProblems, tmp_path: Path, harm: Callable[[Path], None], told: str
) -> None:
    file = tmp_path / "jobs.sqlite3"
    whole = file.read_bytes()
    harm(file)
    for _ in range(2):
        problems.look()
        assert [told in each for each in problems.problems] == [True]
    file.write_bytes(whole)
    problems.look()
    assert problems.problems == ()


def test_a_queue_that_was_never_there_is_no_problem(tmp_path: Path) -> None:
    problems = JobProblems(load_settings(home=tmp_path))
    problems.look()
    problems.look()
    assert problems.problems == ()
