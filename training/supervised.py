"""Supervised: a process ends with its standard input, so with the parent at the other end."""

import os
import sys
from collections.abc import Callable
from threading import Thread

_CHUNK = 4096


def when_input_ends(act: Callable[[], object]) -> None:
    """Call `act` from another thread as soon as standard input has ended. Returns at once.

    Reads the descriptor itself: whoever waits in `sys.stdin` holds its lock, and a process that is
    forked meanwhile, by whatever library, would wait for that lock for ever.
    """
    Thread(target=_wait, args=(sys.stdin.fileno(), act), daemon=True).start()


def _wait(descriptor: int, act: Callable[[], object]) -> None:
    while os.read(descriptor, _CHUNK):
        pass
    act()
