"""Memory: glibc is kept from holding freed memory for every thread.

It gives each thread an arena of its own, up to eight for each core, and each keeps what its busiest
moment needed. Two are enough where threads spend their time outside of malloc.
"""

import ctypes

_M_ARENA_MAX = -8  # from malloc.h
_ARENAS = 2


def limit_arenas() -> bool:
    """Limit the arenas of this process; False where its C library has no such setting."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_M_ARENA_MAX, _ARENAS) == 1
