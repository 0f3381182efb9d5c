"""What keeps jobs from being done, as the serving process tells it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from molt.artifact import Home, exclusive
from molt.artifact.lock import SILENCE_SECONDS
from molt.engine.settings import load_settings
from molt.engine.watch.job_problems import JobProblems
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


class Watched:
    """The problems of a home, at a time that tests set."""

    def __init__(self, root: Path) -> None:
        self.lock = Home(root).worker_lock
        self.now = 1000.0
        self._problems = JobProblems(load_settings(home=root), clock=lambda: self.now)

    def after(self, seconds: float) -> tuple[str, ...]:
        """What is wrong so much later."""
        self.now += seconds
        self._problems.look()
        return self._problems.problems


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.fixture
def held(watched: Watched) -> Iterator[Watched]:
    """A worker has the home."""
    with exclusive(watched.lock):
        assert watched.after(0) == ()
        yield watched


def test_a_worker_that_gives_no_sign_is_told_after_a_while(held: Watched) -> None:
    assert held.after(SILENCE_SECONDS - 1) == ()
    (problem,) = held.after(1)
    assert "gives no sign of life, so no job is done; end its process" in problem


def test_its_next_sign_is_believed_at_once(held: Watched) -> None:
    assert held.after(SILENCE_SECONDS)
    os.utime(held.lock)
    assert held.after(0) == ()


@pytest.mark.parametrize("seconds", [-86_400, 86_400])
def test_a_clock_that_is_set_makes_no_worker_silent(held: Watched, seconds: float) -> None:
    moment = held.lock.stat().st_mtime + seconds
    os.utime(held.lock, (moment, moment))
    assert held.after(SILENCE_SECONDS - 1) == ()
    os.utime(held.lock)
    assert held.after(SILENCE_SECONDS - 1) == ()


def test_a_home_whose_worker_has_ended_has_no_silent_one(watched: Watched) -> None:
    with exclusive(watched.lock):
        watched.after(0)
    assert watched.after(2 * SILENCE_SECONDS) == ()


def test_a_home_that_never_had_a_worker_has_no_silent_one(watched: Watched) -> None:
    assert watched.after(2 * SILENCE_SECONDS) == ()
    assert not watched.lock.exists()
