"""The job queue as the service uses it: opened when it is first needed, since few processes do."""

import threading

from molt.index.jobs.queue import JobQueue


class Jobs:
    """The queue at an SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._queue: JobQueue | None = None

    @property
    def queue(self) -> JobQueue:
        """The open queue."""
        with self._lock:
            if self._queue is None:
                self._queue = JobQueue(self._url)
            return self._queue

    def close(self) -> None:
        """Close it, where it was opened."""
        with self._lock:
            if self._queue is not None:
                self._queue.close()
                self._queue = None
