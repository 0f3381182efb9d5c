"""Following: what jobs tell, read once for everybody who follows the same job."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from molt.index.jobs.job import Job, JobEvent
from molt.index.jobs.queue import JobQueue

FOLLOW_SECONDS = 0.25


class FollowedJob:
    """What a job has told so far; grows while somebody follows it."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        self.followers = 0
        self.events: list[JobEvent] = []
        self.ended: Job | None = None
        """The job with its last state, when every event of it has been read."""
        self._reader: asyncio.Task[None] | None = None

    def begin(self, queue: JobQueue) -> None:
        """Read until the job ends, or until `stop`."""
        self._reader = asyncio.create_task(self._read(queue))

    def stop(self) -> None:
        """Nobody follows any more."""
        if self._reader is not None:
            self._reader.cancel()

    def after(self, number: int) -> list[JobEvent]:
        """The events beyond `number`, which count from 0. Raises what reading them raised."""
        if self._reader is not None and self._reader.done():
            self._reader.result()
        return self.events[number + 1 :]

    async def _read(self, queue: JobQueue) -> None:
        while self.ended is None:
            await asyncio.to_thread(self._look, queue)
            await asyncio.sleep(FOLLOW_SECONDS)

    def _look(self, queue: JobQueue) -> None:
        job = queue.get(self.job_id)  # before its events: none is missed
        self.events += queue.events(job.id, after=len(self.events) - 1)
        self.ended = job if job.state.ended else None


class Followers:
    """Everybody who follows a job in this process. Used from one event loop."""

    def __init__(self, queue: Callable[[], JobQueue]) -> None:
        self._queue = queue
        self._followed: dict[str, FollowedJob] = {}

    @asynccontextmanager
    async def following(self, job_id: str) -> AsyncIterator[FollowedJob]:
        """What a job tells, as long as the block lasts."""
        followed = self._followed.get(job_id)
        if followed is None:
            followed = self._followed[job_id] = FollowedJob(job_id)
            followed.begin(self._queue())
        followed.followers += 1
        try:
            yield followed
        finally:
            followed.followers -= 1
            if not followed.followers:
                followed.stop()
                del self._followed[job_id]
