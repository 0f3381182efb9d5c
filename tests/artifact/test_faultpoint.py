"""A faultpoint does what it is armed with, once, and nothing where it is not."""

import ast
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from molt.artifact import faultpoint as reach
from molt.artifact.faultpoint import ARMED, FIRED, POINTS, FaultError, _armed
from tests.paths import PACKAGES, ROOT

Arm = Callable[[str], None]


@pytest.fixture
def arm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Arm]:
    """`arm("name=action")`: as if this process had been started so."""

    def armed(text: str) -> None:
        monkeypatch.setenv(ARMED, text)
        monkeypatch.setenv(FIRED, str(tmp_path))
        _armed.cache_clear()

    yield armed
    monkeypatch.undo()
    _armed.cache_clear()


@pytest.mark.parametrize("armed", ["", "flip.pointed=raise"])
def test_a_point_that_is_not_armed_does_nothing(arm: Arm, tmp_path: Path, armed: str) -> None:
    arm(armed)
    reach("segment.sealed")
    assert list(tmp_path.iterdir()) == []


def test_it_may_raise(arm: Arm) -> None:
    arm("segment.sealed=raise")
    with pytest.raises(FaultError, match=r"segment\.sealed"):
        reach("segment.sealed")


def test_it_may_find_the_disk_full(arm: Arm) -> None:
    arm("segment.sealed=full")
    with pytest.raises(OSError, match="No space left on device") as full:
        reach("segment.sealed")
    assert full.value.errno == 28


def test_it_may_delay(arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    arm("segment.sealed=sleep:2.5")
    reach("segment.sealed")
    assert slept == [2.5]


def test_it_may_kill_the_process_and_lets_the_next_one_pass(tmp_path: Path) -> None:
    program = "from molt.artifact import faultpoint; faultpoint('segment.sealed'); print('passed')"
    done = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={ARMED: "segment.sealed=kill", FIRED: str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        for _ in range(2)
    ]
    assert [(one.returncode, one.stdout) for one in done] == [(-9, ""), (0, "passed\n")]


def test_several_points_may_be_armed(arm: Arm) -> None:
    arm("segment.sealed=raise,flip.pointed=full")
    with pytest.raises(FaultError):
        reach("segment.sealed")
    with pytest.raises(OSError, match=r"flip\.pointed"):
        reach("flip.pointed")


def test_it_fires_once_for_a_directory(arm: Arm) -> None:
    arm("segment.sealed=raise")
    with pytest.raises(FaultError):
        reach("segment.sealed")
    reach("segment.sealed")


def test_it_fires_again_for_another_directory(
    arm: Arm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm("segment.sealed=raise")
    with pytest.raises(FaultError):
        reach("segment.sealed")
    (tmp_path / "other").mkdir()
    monkeypatch.setenv(FIRED, str(tmp_path / "other"))
    with pytest.raises(FaultError):
        reach("segment.sealed")


def test_an_unknown_name_is_refused_at_the_first_point(arm: Arm) -> None:
    arm("segment.seald=raise")
    with pytest.raises(ValueError, match=r"no faultpoint: segment\.seald"):
        reach("flip.pointed")


def test_an_unknown_action_is_refused(arm: Arm) -> None:
    arm("segment.sealed=explode")
    with pytest.raises(ValueError, match="'explode' is nothing that a faultpoint does"):
        reach("segment.sealed")


def test_the_points_are_those_that_the_code_reaches() -> None:
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    reached = {name for path in modules for name in points_of(path)}
    assert reached == POINTS


def points_of(path: Path) -> Iterator[object]:
    """What each call of `faultpoint` in a file names; a name that is no literal is None."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "faultpoint":
            yield getattr(node.args[0], "value", None)
