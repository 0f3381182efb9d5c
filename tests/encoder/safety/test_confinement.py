"""A child that does not answer is ended, and what became of it is said in words."""

import pytest

from molt.encoder.safety.confinement import ChildFailedError, ResourceLimits, run_confined
from tests.paths import ROOT

PROGRAM = "tests.encoder.safety.misbehaving"


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("sleeps", "was not done after 2 s"),
        ("crashes", r"crashes its runtime \(SIGSEGV\)"),
        ("fails", "cannot be tried: ValueError: nobody thought of this"),
        ("says a list", "nothing was said of it"),
        ("says nothing", "nothing was said of it"),
    ],
)
def test_a_child_that_does_not_answer_is_said_to(
    monkeypatch: pytest.MonkeyPatch, how: str, told: str
) -> None:
    monkeypatch.chdir(ROOT)
    seconds = 2.0 if how == "sleeps" else 60.0
    limits = ResourceLimits(memory=2**30, cpu_seconds=60, wall_seconds=seconds)
    with pytest.raises(ChildFailedError, match=told):
        run_confined(PROGRAM, [how], limits=limits)
