"""Former generations: those on disk that do not serve, opened for whoever compares them.

A few stay open for a while, each with its encoder, and the one used least lately gives way. While
one is open it is not removed.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from molt.engine.live.pair import Live, Pairs, Target
from molt.index.catalog.catalog import Catalog
from molt.index.errors import GenerationNotFoundError
from molt.index.generations.generation import GenerationStore
from molt.index.selection.expiring import Clock, wall_clock

MOST_FORMER = 2
FORMER_SECONDS = 300.0


@dataclass
class _Former:
    live: Live
    used: float


class FormerGenerations:
    """Opens generations of collections. Thread-safe; opening one reads all of its files."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        generations: GenerationStore,
        pairs: Pairs,
        clock: Clock = wall_clock,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._generations = generations
        self._pairs = pairs
        self._clock = clock
        self._now = now
        self._opened: OrderedDict[str, _Former] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str, generation_id: str) -> Live:
        """A generation as it was left, without what has been deleted since.

        Raises `CollectionNotFoundError`, `GenerationNotFoundError` where it is none of this
        collection, and what opening it or its checkpoint raises.
        """
        collection = self._catalog.collections.get(name)
        if self._generations.read(generation_id).collection != collection.id:
            raise GenerationNotFoundError(
                f"generation {generation_id[:80]!r} is none of the collection {name!r}"
            )
        with self._lock:
            former = self._opened.pop(generation_id, None)
            if former is None:
                live = self._pairs.open(collection, Target(collection.id, generation_id))
            else:
                live = self._pairs.kept(former.live, collection)
            self._opened[generation_id] = _Former(live, self._now())
            while len(self._opened) > MOST_FORMER:
                self._opened.popitem(last=False)
        return live.at(self._clock)

    def look(self) -> None:
        """Let go of what nobody has asked for lately."""
        with self._lock:
            for generation_id, former in [*self._opened.items()]:
                if self._now() - former.used >= FORMER_SECONDS:
                    del self._opened[generation_id]
