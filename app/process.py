"""The process: how the C library and the interpreter are set to serve.

Each call changes the whole process, so only programs make them.
"""

import ctypes
import gc
import os
import resource
import sys

SHARED_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that tells the processes of one server where they count together."""

_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # from malloc.h
_ARENAS = 2
_LARGE_BYTES = 512 * 1024
_SWITCH_SECONDS = 0.0005
_YOUNG_OBJECTS = 10_000
_WANTED_FILES = 65_536


def give_memory_back() -> bool:
    """Have this process return what it no longer needs; False where its C library cannot be told.

    glibc gives each thread an arena of its own, up to eight for each core, and each keeps what its
    busiest moment needed. Two are enough where threads spend their time outside of malloc. What is
    large it takes from the system and returns, until it has freed such a thing once: from then on
    things as large lie among small ones, which keep their place when they are gone. Of 240 texts
    of 1 MB that were indexed 350 MB stayed. Here large stays large.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    told = (mallopt(_M_ARENA_MAX, _ARENAS), mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES))
    return told == (1, 1)


def multiply_alone() -> None:
    """Let each thread multiply matrices by itself. Has no effect once numpy is loaded.

    OpenBLAS, which numpy brings, would share even a product of a thousandth of a second among as
    many threads as there are cores, and wait for all of them: a hundred times as long where others
    are at work. What the environment says stays.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def favour_start() -> None:
    """Look for no garbage until `favour_short_work`: what a start makes stays.

    To look through it again and again takes a fifth of the start.
    """
    gc.disable()


def favour_short_work() -> None:
    """Let a thread that computes give the interpreter up soon to one that would use it briefly.

    By default it is kept for 5 ms, and a request needs it half a dozen times. What stands when the
    process has started is never looked at by the collector of garbage again, which would stop every
    thread for a tenth of a second while a large body is read.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


def raise_file_limit() -> int:
    """Let this process open as many files as it may, 65,536 at most; how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return _WANTED_FILES if soft == resource.RLIM_INFINITY else soft
