"""The watcher: notices what other processes changed on disk, and refreshes the live collections.

Then lets the sentinel look at what serves since.
"""

import threading

import structlog

from molt.engine.live import LiveCollections
from molt.engine.watch.sentinel import Sentinel

log = structlog.get_logger(__name__)


class Watcher:
    """A thread that compares memory with disk every `seconds`."""

    def __init__(
        self, live_collections: LiveCollections, sentinel: Sentinel, *, seconds: float
    ) -> None:
        self._live_collections = live_collections
        self._sentinel = sentinel
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._live_collections.look()
                self._sentinel.look()
            except Exception:
                log.exception("watcher.failed")
