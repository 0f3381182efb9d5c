"""The watcher: looks again and again at what may have changed by itself or by other processes.

At the live collections, at what serves since a release, at what keeps jobs from being done. None
of them waits for another. What is seen there is theirs.
"""

import threading
from collections.abc import Callable, Mapping

from molt.engine.threads import LastingThread, join_all


class Watcher:
    """A thread for each of `looks`, by its name, which looks every `seconds`."""

    def __init__(self, looks: Mapping[str, Callable[[], object]], *, seconds: float) -> None:
        self.looks = looks
        self._seconds = seconds
        self._stopping = threading.Event()
        self.threads = tuple(
            LastingThread(name, self._repeating(look), stopping=self._stopping)
            for name, look in looks.items()
        )

    def start(self) -> None:
        """Begin to watch."""
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stopping.set()
        join_all(self.threads)

    def _repeating(self, look: Callable[[], object]) -> Callable[[], None]:
        def repeat() -> None:
            while not self._stopping.wait(self._seconds):
                look()

        return repeat
