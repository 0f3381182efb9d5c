"""The supervisor keeps one child alive, whatever the child is; here it is a short script."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from molt.app import supervisor as supervising
from molt.app.supervisor import Supervisor, supervised_worker
from molt.artifact import Home, exclusive
from molt.engine.settings import load_settings

NOTED = """
import os, sys
with open(sys.argv[1], "a") as notes:
    notes.write(f"{os.getpid()} {os.environ.get('MOOD')}\\n")
"""
LEASHED = NOTED + "sys.stdin.read()"
UNLEASHED = NOTED + "import time; time.sleep(600)"


class Pauses(threading.Event):
    """Is set after so many pauses, none of which it takes."""

    def __init__(self, many: int) -> None:
        super().__init__()
        self.taken: list[float] = []
        self._many = many

    def wait(self, timeout: float | None = None) -> bool:
        if timeout is None or timeout < 1:
            return super().wait(timeout)  # a look at the child
        self.taken.append(timeout)
        if len(self.taken) == self._many:
            self.set()
        return self.is_set()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "_STOP_SECONDS", 0.2)


def supervisor_of(script: str, notes: Path, **environment: str) -> Supervisor:
    return Supervisor([sys.executable, "-c", script, str(notes)], environment=environment)


def noted(notes: Path, count: int) -> list[str]:
    """The lines that children left, once there are so many."""
    while not notes.exists() or len(notes.read_text().splitlines()) < count:
        pass
    return notes.read_text().splitlines()


def pid_of(line: str) -> int:
    return int(line.split(maxsplit=1)[0])


@pytest.fixture
def tied(notes: Path) -> Iterator[Supervisor]:
    supervisor = supervisor_of(LEASHED, notes, MOOD="calm")
    supervisor.start()
    yield supervisor
    supervisor.close()


def pauses_of(command: Sequence[str], many: int) -> list[float]:
    supervisor = Supervisor(command)
    pauses = supervisor._stopping = Pauses(many)
    supervisor.start()
    supervisor._thread.join(30)
    return pauses.taken


def test_a_child_that_dies_is_started_again(
    tied: Supervisor, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "_LONGEST_PAUSE", 0.01)
    (first,) = noted(notes, 1)
    os.kill(pid_of(first), signal.SIGKILL)
    _, second = noted(notes, 2)
    assert pid_of(second) != pid_of(first)


def test_a_child_is_given_the_environment_and_more(tied: Supervisor, notes: Path) -> None:
    assert noted(notes, 1)[0].endswith(" calm")


def test_a_child_ends_when_its_input_does(tied: Supervisor, notes: Path) -> None:
    child = psutil.Process(pid_of(noted(notes, 1)[0]))
    tied.close()
    assert not child.is_running()


def test_a_child_that_does_not_end_is_killed(notes: Path) -> None:
    supervisor = supervisor_of(UNLEASHED, notes)
    supervisor.start()
    child = psutil.Process(pid_of(noted(notes, 1)[0]))
    supervisor.close()
    assert not child.is_running()


def test_ctrl_c_does_not_reach_the_child(tied: Supervisor, notes: Path) -> None:
    assert os.getpgid(pid_of(noted(notes, 1)[0])) != os.getpgrp()


def test_a_child_that_dies_at_once_is_started_at_growing_intervals() -> None:
    assert pauses_of(["false"], 7) == [2, 4, 8, 16, 32, 60, 60]


def test_a_child_that_lived_for_a_while_is_started_again_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervising, "_HEALTHY_SECONDS", 0.0)
    assert pauses_of(["false"], 3) == [1, 1, 1]


def test_a_child_that_cannot_be_started_is_tried_again() -> None:
    assert pauses_of(["/nonexistent"], 2) == [2, 4]


def test_the_worker_of_a_home_is_leashed_and_lives_as_long_as_the_block(
    tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Sequence[str]] = []

    class Recorded(Supervisor):
        def __init__(self, command: Sequence[str], *, environment: dict[str, str]) -> None:
            begun.append(command)
            script = [sys.executable, "-c", LEASHED, str(notes)]
            super().__init__(script, environment=environment)

    monkeypatch.setattr(supervising, "Supervisor", Recorded)
    with supervised_worker(load_settings(home=tmp_path), environment={"MOOD": "quiet"}):
        child = psutil.Process(pid_of(noted(notes, 1)[0]))
    assert not child.is_running()
    assert noted(notes, 1)[0].endswith(" quiet")
    assert begun == [
        (sys.executable, "-m", "molt", "worker", "--home", str(tmp_path), "--supervised")
    ]


def test_no_worker_is_started_where_the_settings_want_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervising, "Supervisor", None)
    with supervised_worker(load_settings(home=tmp_path, worker={"start": False})):
        pass


def test_deaths_in_a_row_are_told_and_forgotten_at_the_end(tmp_path: Path) -> None:
    told: list[str | None] = []
    supervisor = Supervisor(["false"])
    supervisor.on_change = told.append
    supervisor._stopping = Pauses(3)
    supervisor.start()
    supervisor._thread.join(30)
    assert (told[0], told[-1]) == (None, None)
    assert ["2 times" in str(told[1]), "3 times" in str(told[2])] == [True, True]


def test_a_worker_that_lives_again_is_told(monkeypatch: pytest.MonkeyPatch, notes: Path) -> None:
    monkeypatch.setattr(supervising, "_HEALTHY_SECONDS", 0.0)
    monkeypatch.setattr(supervising, "_LOOK_SECONDS", 0.01)
    told: list[str | None] = []
    supervisor = supervisor_of(LEASHED, notes)
    supervisor._told = "it has died"
    monkeypatch.setattr(supervisor, "_tell", told.append)
    supervisor.start()
    while len(told) < 2:
        pass
    supervisor.close()
    assert set(told) == {None}


def test_a_home_is_told_of_deaths_unless_another_worker_runs(tmp_path: Path) -> None:
    home = Home(tmp_path)
    supervising._tell_home(home, "it has died")
    assert home.worker_deaths.read_text() == "it has died"
    supervising._tell_home(home, None)
    assert not home.worker_deaths.exists()
    with exclusive(home.worker_lock):
        supervising._tell_home(home, "it has died")
    assert not home.worker_deaths.exists()
