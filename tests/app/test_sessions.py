import stat
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from molt.app.sessions import Sessions
from molt.artifact import Home
from molt.index.catalog.access.keys import Key, Role

KEY = Key("person", "molt_abc", Role.WRITE, datetime.now(UTC), None, id=7)
IN_USE = {b"digest": KEY}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(folder: Path, clock: Clock) -> Sessions:
    return Sessions(Home(folder), seconds=60, clock=clock)


@pytest.fixture
def sessions(tmp_path: Path, clock: Clock) -> Sessions:
    return opened(tmp_path, clock)


def test_a_session_stands_for_its_key_until_it_ends(sessions: Sessions, clock: Clock) -> None:
    session = sessions.issue(KEY, b"digest")
    clock.now += 59
    assert sessions.key_of(session, IN_USE) == KEY
    clock.now += 1
    assert sessions.key_of(session, IN_USE) is None


def test_a_session_ends_with_its_key(sessions: Sessions) -> None:
    session = sessions.issue(KEY, b"digest")
    assert sessions.key_of(session, {}) is None
    assert sessions.key_of(session, {b"of another secret": KEY}) is None


def test_a_session_that_was_ended_is_over_in_every_process_and_no_other_is(
    sessions: Sessions, tmp_path: Path, clock: Clock
) -> None:
    ended, other = sessions.issue(KEY, b"digest"), sessions.issue(KEY, b"digest")
    sessions.end(ended)
    for process in (sessions, opened(tmp_path, clock)):
        assert process.key_of(ended, IN_USE) is None
        assert process.key_of(other, IN_USE) == KEY
    sessions.end(ended)


def test_that_a_session_was_ended_is_forgotten_once_it_would_be_over(
    sessions: Sessions, tmp_path: Path, clock: Clock
) -> None:
    sessions.end(sessions.issue(KEY, b"digest"))
    (Home(tmp_path).ended_sessions / ".of somebody else").touch()
    clock.now += 61
    later = sessions.issue(KEY, b"digest")
    sessions.end(later)
    kept = {path.name for path in Home(tmp_path).ended_sessions.iterdir()} - {".of somebody else"}
    assert kept == {".".join(later.split(".")[2:4])}


def test_what_was_changed_or_made_up_is_no_session(sessions: Sessions) -> None:
    session = sessions.issue(KEY, b"digest")
    parts = session.split(".")
    longer = ".".join([*parts[:2], "99999999999", *parts[3:]])
    for forged in ("", ".", "....", longer, session[:-1], session + "0", "1.7.²²²²².x.y"):
        assert sessions.key_of(forged, IN_USE) is None


def test_processes_of_one_home_read_each_other_s_sessions(tmp_path: Path, clock: Clock) -> None:
    every = [opened(tmp_path, clock) for _ in range(8)]
    issued: list[str] = []
    threads = [Thread(target=lambda one=one: issued.append(one.issue(KEY, b"d"))) for one in every]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(issued) == 8
    for session in issued:
        assert every[0].key_of(session, {b"d": KEY}) == KEY
    assert [path.name for path in tmp_path.iterdir()] == ["session.secret"]


def test_the_secret_is_its_owner_s_alone(sessions: Sessions, tmp_path: Path) -> None:
    sessions.issue(KEY, b"digest")
    assert stat.S_IMODE(Home(tmp_path).session_secret.stat().st_mode) == 0o600


def test_a_form_of_one_session_is_none_of_another(sessions: Sessions) -> None:
    token = sessions.form_token("one")
    assert sessions.is_form_token(token, "one")
    assert not sessions.is_form_token(token, "two")
    assert not sessions.is_form_token(token, "")
    assert not sessions.is_form_token("", "")
