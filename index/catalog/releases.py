"""Releases: who moved the pointer of a collection, when, from where to where, and why."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from molt.index.catalog.tables import releases


@dataclass(frozen=True)
class Reason:
    """Who moved a pointer and why; `report` names the evaluation report behind it, if any."""

    actor: str = "molt"
    text: str = ""
    report: str | None = None


UNEXPLAINED = Reason()


@dataclass(frozen=True)
class Release:
    """One move of a pointer: to `generation`, from `previous`, making it epoch `epoch`."""

    at: datetime
    epoch: int
    previous: str | None
    generation: str | None
    reason: Reason


def record_release(connection: Connection, *, collection_id: int, release: Release) -> None:
    """Write down a move in the transaction that makes it."""
    row = {
        "collection_id": collection_id,
        "at": release.at,
        "epoch": release.epoch,
        "previous": release.previous,
        "generation": release.generation,
        "actor": release.reason.actor,
        "reason": release.reason.text,
        "report": release.reason.report,
    }
    connection.execute(insert(releases), row)


def read_releases(connection: Connection, collection_id: int, *, limit: int) -> tuple[Release, ...]:
    """The newest `limit` moves, newest first."""
    query = select(releases).where(releases.c.collection_id == collection_id)
    found = connection.execute(query.order_by(releases.c.id.desc()).limit(limit))
    return tuple(
        Release(
            row.at,
            row.epoch,
            row.previous,
            row.generation,
            Reason(row.actor, row.reason, row.report),
        )
        for row in found
    )


def read_former(connection: Connection) -> dict[int, list[str]]:
    """By collection, every generation that its pointer was moved away from, the latest first."""
    query = (
        select(releases.c.collection_id, releases.c.previous)
        .where(releases.c.previous.is_not(None))
        .group_by(releases.c.collection_id, releases.c.previous)
        .order_by(func.max(releases.c.id).desc())
    )
    found: dict[int, list[str]] = {}
    for collection_id, generation in connection.execute(query):
        found.setdefault(collection_id, []).append(generation)
    return found
