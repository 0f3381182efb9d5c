"""Releases: who moved the pointer of a collection, when, from where to where, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from molt.index.catalog.tables import releases
from molt.index.ranking.ranking import SearchRanking


@dataclass(frozen=True)
class Reason:
    """Who moved a pointer and why; `report` names the evaluation report behind it, if any."""

    actor: str = "molt"
    text: str = ""
    report: str | None = None


UNEXPLAINED = Reason()


@dataclass(frozen=True)
class Release:
    """One move of a pointer: to `generation`, from `previous`, making it epoch `epoch`.

    `ranking` is how searches rank since then, None as nobody had tuned it; where only that was
    changed, both generations are the same. `name` is what people call it, if anything.
    """

    at: datetime
    epoch: int
    previous: str | None
    generation: str | None
    reason: Reason
    name: str | None = None
    ranking: SearchRanking | None = None

    @property
    def only_retunes(self) -> bool:
        """Does the same generation serve as before?"""
        return self.previous == self.generation


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
        "ranking": release.ranking,
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
            row.name,
            row.ranking,
        )
        for row in found
    )


def read_ranking(
    connection: Connection, collection_id: int, *, generation: str | None
) -> tuple[SearchRanking | None, ...]:
    """How searches ranked when the collection was last served from a generation; empty if never."""
    served = releases.c.generation == generation
    query = select(releases.c.ranking).where(releases.c.collection_id == collection_id, served)
    found = connection.execute(query.order_by(releases.c.id.desc()).limit(1))
    return tuple(found.scalars())


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


def read_released_reports(connection: Connection) -> frozenset[str]:
    """Every report that a release names."""
    query = select(releases.c.report).where(releases.c.report.is_not(None)).distinct()
    return frozenset(map(str, connection.scalars(query)))


def read_released_cross_encoders(connection: Connection) -> frozenset[str]:
    """The checkpoint of every cross-encoder that a release re-ranks by."""
    query = select(releases.c.ranking).where(releases.c.ranking.is_not(None)).distinct()
    named = (ranking.cross_encoder for ranking in connection.scalars(query))
    return frozenset(one for one in named if one is not None)


def read_serving_cross_encoders(
    connection: Connection, generations: Iterable[str]
) -> frozenset[str]:
    """The checkpoints of the cross-encoders by which each of these generations was last served."""
    query = select(releases.c.collection_id, releases.c.generation, releases.c.ranking)
    own = query.where(releases.c.generation.in_([*generations])).order_by(releases.c.id)
    last = {(row.collection_id, row.generation): row.ranking for row in connection.execute(own)}
    named = (ranking.cross_encoder for ranking in last.values() if ranking is not None)
    return frozenset(one for one in named if one is not None)


def name_release(connection: Connection, collection_id: int, epoch: int, name: str | None) -> bool:
    """Call the release that made an epoch so, and no other of its collection; was there one?"""
    own = releases.c.collection_id == collection_id
    connection.execute(update(releases).where(own, releases.c.name == name).values(name=None))
    named = update(releases).where(own, releases.c.epoch == epoch).values(name=name)
    return bool(connection.execute(named).rowcount)


def released_as(connection: Connection, name: str) -> frozenset[str]:
    """The generations of the releases that are called so, of any collection."""
    query = select(releases.c.generation).where(releases.c.name == name)
    return frozenset(str(each) for each in connection.scalars(query) if each is not None)
