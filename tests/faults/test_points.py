"""No faultpoint is there in vain: at each of them a test kills a process, which has reached it."""

from molt.artifact.faultpoint import POINTS
from tests.faults.points import COLLECTING, SERVING, STARTED, SWAPPING, TRAINING


def test_a_process_is_killed_at_every_faultpoint() -> None:
    assert {*SERVING, *SWAPPING, *TRAINING, *STARTED, *COLLECTING} == POINTS
