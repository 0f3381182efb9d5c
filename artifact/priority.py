"""What a thread has of a processor that others want too."""

import os
import sys


def give_way(niceness: int) -> None:
    """Let the calling thread have less of a busy processor; threads it starts inherit that.

    `niceness` is added to what the thread has, 19 at most in all. Only Linux knows that of a
    thread; elsewhere nothing happens. A thread that is nice must not hold the GIL for long: it
    would be in others' way when it sleeps.
    """
    if niceness and sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + niceness)
