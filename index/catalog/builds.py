"""Builds: which generations are being made, and by which job, before any pointer names them.

What stands here is not collected, so a job that was killed finds its generation again.
"""

from datetime import UTC, datetime

from sqlalchemy import delete, insert, select

from molt.index.catalog.collection import Collection
from molt.index.catalog.storage.database import Database
from molt.index.catalog.tables import builds


class Builds:
    """Every build of the catalog; a job has at most one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, collection: Collection, *, job: str, generation: str) -> None:
        """Write down that `job` makes `generation`."""
        row = {
            "generation": generation,
            "collection_id": collection.id,
            "job": job,
            "created_at": datetime.now(UTC),
        }
        with self._database.writing() as connection:
            connection.execute(insert(builds), row)

    def of(self, job: str) -> str | None:
        """The generation that a job makes, or None."""
        with self._database.reading() as connection:
            found = connection.scalar(select(builds.c.generation).where(builds.c.job == job))
            return None if found is None else str(found)

    def end(self, job: str) -> None:
        """Forget a job's build; a generation that nothing points to may then be collected."""
        with self._database.writing() as connection:
            connection.execute(delete(builds).where(builds.c.job == job))

    def jobs(self) -> dict[str, str]:
        """Each generation that is being made, with its job."""
        with self._database.reading() as connection:
            found = connection.execute(select(builds.c.generation, builds.c.job))
            return {str(row.generation): str(row.job) for row in found}
