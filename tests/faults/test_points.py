"""No faultpoint is there in vain: at each of them a test kills a process, which has reached it."""

from molt.artifact.faultpoint import POINTS
from tests.faults.points import (
    ADDING,
    BACKING_UP,
    COLLECTING,
    EXPIRING,
    RESTORING,
    SERVING,
    STARTED,
    SWAPPING,
    TRAINING,
)


def test_a_process_is_killed_at_every_faultpoint() -> None:
    working = {*SERVING, *SWAPPING, *TRAINING, *STARTED, *COLLECTING, *EXPIRING}
    assert working | {*BACKING_UP, *RESTORING, *ADDING} == POINTS
