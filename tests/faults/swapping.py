"""Faultpoints in processes that a test starts."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from molt.artifact.faultpoint import ARMED, FIRED

PATIENCE = 90.0


def armed(home: Path, **points: str) -> dict[str, str]:
    """The environment of a process in which faultpoints do what `points` says, once."""
    named = ",".join(f"{name}={action}" for name, action in points.items())
    settings = {"MOLT_WATCH__SECONDS": "0", "MOLT_INDEX__RETAINED_GENERATIONS": "1"}
    return os.environ | settings | {ARMED: named, FIRED: str(home.parent / "fired")}


def fired(home: Path, point: str) -> bool:
    """Has this faultpoint done what it was armed to?"""
    return (home.parent / "fired" / point).exists()


def wait_until(true: Callable[[], Any]) -> None:
    """Return when it is true; fail where that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
