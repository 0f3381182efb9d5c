"""The plan of a soak: what is done to the service, in which order, from a seed alone.

Knows no server. What an episode draws by chance it draws from its own `chance`, so that one seed
gives one plan, however fast the machine is.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an episode does while clients write and search."""

    SERVER_KILLED = "SIGKILL of the server and its worker"
    WORKER_KILLED = "SIGKILL of the worker while it re-indexes"
    POINT_KILLED = "SIGKILL at a faultpoint"
    POINT_FULL = "a disk that is full at a faultpoint"
    STOPPED = "SIGTERM under load"
    INDEX_DAMAGED = "a flipped bit in a generation"
    WORDS_DAMAGED = "a flipped bit in the index of words"
    CACHE_DAMAGED = "flipped bits in the cache"
    CHECKPOINT_DAMAGED = "a flipped bit in a checkpoint, put right while the server runs"
    DISK_FULL = "a file system without a free byte"
    CLOCK = "a jump of the clock"
    SLOW_CLIENTS = "clients that neither finish nor read"
    OVERLOAD = "more requests at once than can be borne"
    SWAPPED = "a swap, and a rollback, with nothing else wrong"

    @property
    def interrupts(self) -> bool:
        """May a connection break meanwhile?"""
        return self in _INTERRUPTING

    @property
    def excuses(self) -> frozenset[int]:
        """The statuses beside success that clients may see."""
        return _EXCUSED.get(self, frozenset())


_INTERRUPTING = {
    Kind.SERVER_KILLED,
    Kind.POINT_KILLED,
    Kind.POINT_FULL,
    Kind.STOPPED,
    Kind.INDEX_DAMAGED,
    Kind.WORDS_DAMAGED,
    Kind.CACHE_DAMAGED,
    Kind.CHECKPOINT_DAMAGED,
    Kind.CLOCK,
}
_EXCUSED = {kind: frozenset({503}) for kind in _INTERRUPTING} | {
    Kind.DISK_FULL: frozenset({507}),
    Kind.OVERLOAD: frozenset({429}),
}

POINTS = (
    "ingest.committed",
    "segment.sealed",
    "merge.sealed",
    "generation.published",
    "lexical.written",
    "lexical.committed",
    "lexical.published",
    "build.created",
    "build.advanced",
    "flip.caught_up",
    "flip.pointed",
    "flip.committed",
)
"""Where a process of a soak is killed, or finds the disk full."""
JUMPS = ("-1d", "-1h", "-90", "+90", "+2h", "+1d", "+400d")
"""How far clocks jump, as libfaketime writes it."""


@dataclass(frozen=True)
class Episode:
    """One of them: for how many `seconds` clients are at work, and when something happens to it.

    `swap`: the worker re-indexes under the other checkpoint meanwhile. `detail` is a faultpoint or
    a jump, where the kind wants one.
    """

    number: int
    kind: Kind
    seed: str
    seconds: float
    moment: float
    swap: bool
    detail: str = ""

    @property
    def chance(self) -> random.Random:
        """Where everything else comes from that is left to chance; each time from its beginning."""
        return random.Random(self.seed)


def episodes(seed: int, kinds: tuple[Kind, ...] = tuple(Kind)) -> Iterator[Episode]:
    """Without end: every kind once, in an order by chance, and again."""
    number = 0
    while True:
        turn = list(kinds)
        random.Random(f"{seed} {number}").shuffle(turn)
        for kind in turn:
            number += 1
            yield _drawn(f"{seed}/{number}", number, kind)


def _drawn(seed: str, number: int, kind: Kind) -> Episode:
    chance = random.Random(f"{seed}: what")
    seconds = chance.uniform(3.0, 8.0)
    detail = _DETAILS.get(kind, lambda _: "")(chance)
    swap = kind in _SWAPPING or chance.random() < 0.5
    moment = seconds * chance.uniform(0.2, 0.8)
    return Episode(number, kind, seed, seconds, moment, swap, detail)


_SWAPPING = {Kind.WORKER_KILLED, Kind.POINT_KILLED, Kind.POINT_FULL, Kind.SWAPPED}
_DETAILS: dict[Kind, Callable[[random.Random], str]] = {
    Kind.POINT_KILLED: lambda chance: chance.choice(POINTS),
    Kind.POINT_FULL: lambda chance: chance.choice(POINTS[1:]),
    Kind.CLOCK: lambda chance: chance.choice(JUMPS),
}
