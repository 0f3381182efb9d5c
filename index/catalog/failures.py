"""Failures: the last job of each kind and collection, where it failed, and why.

For whoever watches over the service and does not ask for jobs. Forgotten when one succeeds, and no
alarm any more when somebody dismisses it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, select, update

from molt.index.catalog.storage.database import Database
from molt.index.catalog.tables import collections, failures


@dataclass(frozen=True)
class JobFailure:
    """A job that failed and was not made good since."""

    collection: str
    kind: str
    job: str
    reason: str
    at: datetime

    def __str__(self) -> str:
        return f"collection {self.collection!r}: {self.kind} failed (job {self.job}): {self.reason}"


class JobFailures:
    """Every failure of the catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(
        self,
        collection: str | None,
        *,
        kind: str,
        job: str,
        reason: str,
        collection_id: int | None = None,
    ) -> None:
        """Write a failure down, unless it is of no collection, or of one that was deleted.

        With `collection_id` another collection that has the name now is not meant.
        """
        named = collections.c.name == collection
        if collection_id is not None:
            named &= collections.c.id == collection_id
        with self._database.writing() as connection:
            found = connection.scalar(_ID.where(named))
            if found is not None:
                row = {"collection_id": found, "kind": kind, "job": job, "reason": reason}
                row |= {"at": datetime.now(UTC), "dismissed_at": None}
                connection.execute(self._database.insert_or_update(failures), row)

    def clear(self, collection: str | None, *, kind: str) -> None:
        """A job of that kind succeeded."""
        with self._database.writing() as connection:
            own = failures.c.collection_id.in_(_ID.where(collections.c.name == collection))
            connection.execute(delete(failures).where(own, failures.c.kind == kind))

    def dismiss(self, job: str) -> None:
        """Take the alarm of a job back; nothing where there is none. The failure stays known."""
        with self._database.writing() as connection:
            own = (failures.c.job == job, failures.c.dismissed_at.is_(None))
            now = datetime.now(UTC)
            connection.execute(update(failures).where(*own).values(dismissed_at=now))

    def noted(self) -> frozenset[str]:
        """The jobs whose failures are known, also those whose alarm was taken back."""
        with self._database.reading() as connection:
            return frozenset(connection.scalars(select(failures.c.job)))

    def list(self) -> tuple[JobFailure, ...]:
        """Those whose alarm nobody has taken back, by collection and kind."""
        columns = (collections.c.name, failures.c.kind, failures.c.job)
        query = (
            select(*columns, failures.c.reason, failures.c.at)
            .join(collections, collections.c.id == failures.c.collection_id)
            .where(failures.c.dismissed_at.is_(None))
            .order_by(collections.c.name, failures.c.kind)
        )
        with self._database.reading() as connection:
            return tuple(JobFailure(*row) for row in connection.execute(query))


_ID = select(collections.c.id)
