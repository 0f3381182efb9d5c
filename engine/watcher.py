"""The watcher: looks again and again at what may have changed by itself or by other processes.

At the live collections, at what serves since a release, at what keeps jobs from being done. None
of them waits for another. What is seen there is theirs.
"""

import threading
from collections.abc import Callable, Mapping

from molt.engine.threads import LastingThread, join_all

Looks = Mapping[str, Callable[[], object]]
_LEISURE_SECONDS = 2.0


class Watcher:
    """A thread for each of `looks`, by its name, which looks every `seconds`.

    What is seen by one of those `at_leisure` nobody waits for: they look every two seconds, or more
    seldom where the others do.
    """

    def __init__(self, looks: Looks, at_leisure: Looks, *, seconds: float) -> None:
        self.looks = {**looks, **at_leisure}
        self._stopping = threading.Event()
        paces = dict.fromkeys(looks, seconds)
        paces |= dict.fromkeys(at_leisure, max(seconds, _LEISURE_SECONDS))
        self.threads = tuple(
            LastingThread(name, self._repeating(look, paces[name]), stopping=self._stopping)
            for name, look in self.looks.items()
        )

    def start(self) -> None:
        """Begin to watch."""
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stopping.set()
        join_all(self.threads)

    def _repeating(self, look: Callable[[], object], seconds: float) -> Callable[[], None]:
        def repeat() -> None:
            while not self._stopping.wait(seconds):
                look()

        return repeat
