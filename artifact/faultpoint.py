"""Faultpoints: named places where a test may kill, break or delay a process.

Inert unless `MOLT_FAULTPOINTS` arms some, as `segment.sealed=kill,flip.pointed=sleep:2`. Each fires
once for every directory that `MOLT_FAULTPOINTS_DIR` names: a file of the point's name says that it
did, so that a process which is started again gets past it. Nothing in production sets either.
"""

import os
import signal
import time
from functools import cache
from pathlib import Path

ARMED = "MOLT_FAULTPOINTS"
FIRED = "MOLT_FAULTPOINTS_DIR"

POINTS = frozenset(
    {
        "ingest.committed",
        "segment.sealed",
        "generation.published",
        "merge.sealed",
        "lexical.written",
        "lexical.committed",
        "lexical.published",
        "train.begun",
        "train.fitted",
        "checkpoint.staged",
        "evaluation.measured",
        "attempt.spent",
        "report.published",
        "build.created",
        "build.advanced",
        "flip.caught_up",
        "flip.pointed",
        "flip.committed",
        "collect.renamed",
        "backup.object",
        "backup.cataloged",
        "restore.staged",
        "restore.moved",
        "restore.placed",
        "expiry.followed",
        "expiry.deleted",
    }
)


class FaultError(Exception):
    """What a faultpoint armed with `raise` raises."""


def faultpoint(name: str) -> None:
    """Do nothing, or what a test has armed this point with: `kill`, `raise`, `full`, `sleep:S`."""
    action = _armed().get(name)
    if action is not None and _first_time(name):
        _act(name, action)


@cache
def _armed() -> dict[str, str]:
    """Read once in a process. Raises `ValueError` for a name that is no faultpoint."""
    found = dict(part.split("=", 1) for part in os.environ.get(ARMED, "").split(",") if part)
    unknown = found.keys() - POINTS
    if unknown:
        raise ValueError(f"{ARMED} names no faultpoint: {', '.join(sorted(unknown))}")
    return found


def _first_time(name: str) -> bool:
    try:
        (Path(os.environ[FIRED]) / name).open("x").close()
    except FileExistsError:
        return False
    return True


def _act(name: str, action: str) -> None:
    kind, _, amount = action.partition(":")
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "raise":
        raise FaultError(f"the faultpoint {name} was armed to fail here")
    elif kind == "full":
        raise OSError(28, "No space left on device", name)
    elif kind == "sleep":
        time.sleep(float(amount))
    else:
        raise ValueError(f"{ARMED}: {action!r} is nothing that a faultpoint does")
