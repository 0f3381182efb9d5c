"""Collections: made, listed, deleted, and their pointers moved.

What a collection is, is `collection`'s; documents are kept elsewhere.
"""

from collections.abc import Collection as AnyCollection
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, delete, update

from molt.artifact import faultpoint
from molt.index.catalog.aliases import check_name, refuse_names
from molt.index.catalog.collection import (
    Collection,
    add_collection,
    find_collection,
    lock_collection,
    read_collections,
    require_revision,
)
from molt.index.catalog.releases import (
    UNEXPLAINED,
    Reason,
    Release,
    name_release,
    read_former,
    read_ranking,
    read_released_cross_encoders,
    read_released_reports,
    read_releases,
    read_serving_cross_encoders,
    record_release,
    released_as,
)
from molt.index.catalog.storage.database import Database
from molt.index.catalog.tables import collections
from molt.index.errors import ReleaseNotFoundError, StalePointerError
from molt.index.passages.splitting import Splitting
from molt.index.ranking.ranking import SearchRanking

AS_SERVED: Literal["as served"] = "as served"
RankingChoice = SearchRanking | Literal["as served"] | None
"""How searches are to rank: so, as they did when what is pointed to served, or by default."""


class Collections:
    """Every collection of the catalog."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reserved: frozenset[str] = frozenset()

    def create(
        self,
        name: str,
        *,
        expiry_field: str | None = None,
        analysis: str | None = None,
        splitting: Splitting | None = None,
    ) -> Collection:
        """Make an empty collection, whose texts become terms as the JSON `analysis` says.

        Long ones are split where `splitting` asks for it.

        Raises `InvalidNameError`, `CollectionExistsError`, and `NameTakenError` where an alias has
        the name; `InvalidFieldError` for a field that cannot be.
        """
        with self._database.writing() as connection:
            made = add_collection(
                self._database, connection, name, expiry_field=expiry_field, splitting=splitting
            )
            refuse_names(name, self._reserved)
            return _analysed(connection, made, analysis)

    def reserve(self, names: AnyCollection[str]) -> None:
        """Make no collection of these names, which are aliases somewhere else."""
        self._reserved = frozenset(names)

    def get(self, name: str) -> Collection:
        """The collection as it is now. Raises `CollectionNotFoundError`."""
        with self._database.reading() as connection:
            return find_collection(connection, name)

    def split(
        self, name: str, splitting: Splitting | None, *, match: frozenset[int] | None = None
    ) -> Collection:
        """Let long texts be split otherwise in generations that are made from now on, or not.

        Raises `CollectionNotFoundError`, and `PreconditionFailedError` where it has none of the
        revisions in `match`.
        """
        with self._database.writing() as connection:
            found = lock_collection(connection, name)
            require_revision(found, match)
            own = collections.c.id == found.id
            connection.execute(update(collections).where(own).values(splitting=splitting))
            return replace(found, splitting=splitting)

    def analyse(
        self, name: str, analysis: str | None, *, match: frozenset[int] | None = None
    ) -> Collection:
        """Let its texts become terms otherwise, as JSON says; by default with None.

        Raises `CollectionNotFoundError`, and `PreconditionFailedError` where it has none of the
        revisions in `match`.
        """
        with self._database.writing() as connection:
            found = lock_collection(connection, name)
            require_revision(found, match)
            return _analysed(connection, found, analysis)

    def delete(self, name: str, *, match: frozenset[int] | None = None) -> None:
        """Delete a collection with its documents, judgments, events and release history.

        Raises `CollectionNotFoundError`, and `PreconditionFailedError` where it has none of the
        revisions in `match`. Its generations on disk are left to whoever sweeps them.
        """
        with self._database.writing() as connection:
            doomed = lock_collection(connection, name)
            require_revision(doomed, match)
            connection.execute(delete(collections).where(collections.c.id == doomed.id))

    def point(
        self,
        name: str,
        *,
        generation: str | None,
        epoch_expected: int | None = None,
        reason: Reason = UNEXPLAINED,
    ) -> Collection:
        """Move the pointer and write it down in the release history, in one transaction.

        With `epoch_expected`, raises `StalePointerError` where somebody moved it since then.
        Raises `CollectionNotFoundError`.
        """
        with self.moving(name) as move:
            _require_epoch(move, epoch_expected)
            return move.to(generation, reason=reason)

    @contextmanager
    def moving(self, name: str) -> Iterator["Move"]:
        """A transaction to move the pointer in; no document of any kind is written meanwhile.

        Whoever makes a generation complete within it knows that it stays complete until the pointer
        has moved. Raises `CollectionNotFoundError`.
        """
        with self._database.writing() as connection:
            yield Move(connection, lock_collection(connection, name))

    def retune(
        self,
        name: str,
        ranking: SearchRanking | None,
        *,
        reason: Reason,
        epoch_expected: int | None = None,
    ) -> Collection:
        """Let searches rank otherwise, which is a release of the generation that serves already.

        Raises as `point` does.
        """
        with self.moving(name) as move:
            _require_epoch(move, epoch_expected)
            return move.to(move.before.generation, reason=reason, ranking=ranking)

    def releases(self, name: str, *, limit: int = 100) -> tuple[Release, ...]:
        """The newest moves of the pointer, newest first. Raises `CollectionNotFoundError`."""
        with self._database.reading() as connection:
            return read_releases(connection, find_collection(connection, name).id, limit=limit)

    def name_release(self, name: str, epoch: int, label: str | None) -> None:
        """Call the release of a collection that made an epoch so, and no other; None takes it back.

        Raises `CollectionNotFoundError`, `InvalidFieldError`, and `ReleaseNotFoundError`.
        """
        if label is not None:
            check_name(label)
        with self._database.writing() as connection:
            found = find_collection(connection, name).id
            if not name_release(connection, found, epoch, label):
                raise ReleaseNotFoundError(
                    f"{name!r} has no release with the epoch {epoch}; `molt releases` lists them"
                )

    def released_as(self, label: str) -> frozenset[str]:
        """The generations of the releases that are called so, of any collection."""
        with self._database.reading() as connection:
            return released_as(connection, label)

    def former(self) -> dict[int, list[str]]:
        """By a collection's id, every generation that it was served from before, the latest first.

        One statement, however many collections there are.
        """
        with self._database.reading() as connection:
            return read_former(connection)

    def released_reports(self) -> frozenset[str]:
        """The evaluation reports that releases rest on, of all collections."""
        with self._database.reading() as connection:
            return read_released_reports(connection)

    def released_cross_encoders(self) -> frozenset[str]:
        """The checkpoints of the cross-encoders that releases re-rank by, of all collections."""
        with self._database.reading() as connection:
            return read_released_cross_encoders(connection)

    def serving_cross_encoders(self, generations: AnyCollection[str]) -> frozenset[str]:
        """Those by which searches of these generations were last re-ranked, as they would again."""
        with self._database.reading() as connection:
            return read_serving_cross_encoders(connection, generations)

    def list(self) -> tuple[Collection, ...]:
        """All collections by name."""
        with self._database.reading() as connection:
            return read_collections(connection)


class Move:
    """The pointer of a collection, which stands still until `to` moves it."""

    def __init__(self, connection: Connection, before: Collection) -> None:
        self._connection = connection
        self.before = before

    def to(
        self, generation: str | None, *, reason: Reason, ranking: RankingChoice = AS_SERVED
    ) -> Collection:
        """Move the pointer and write it down in the release history.

        `AS_SERVED`, searches rank as they did when the collection was last served from that
        generation, or as they do now where it never was.
        """
        connection, before = self._connection, self.before
        if ranking == AS_SERVED:
            served = read_ranking(connection, before.id, generation=generation)
            ranking = served[0] if served else before.ranking
        moved = {"generation": generation, "epoch": before.epoch + 1, "ranking": ranking}
        connection.execute(update(collections).where(collections.c.id == before.id).values(moved))
        after = find_collection(connection, before.name)
        release = Release(
            datetime.now(UTC), after.epoch, before.generation, generation, reason, ranking=ranking
        )
        record_release(connection, collection_id=before.id, release=release)
        faultpoint("flip.pointed")
        return after


def _analysed(connection: Connection, collection: Collection, analysis: str | None) -> Collection:
    if collection.analysis != analysis:
        own = collections.c.id == collection.id
        connection.execute(update(collections).where(own).values(analysis=analysis))
    return replace(collection, analysis=analysis)


def _require_epoch(move: Move, expected: int | None) -> None:
    before = move.before
    if expected not in {None, before.epoch}:
        raise StalePointerError(
            f"the pointer of {before.name!r} is at epoch {before.epoch}, not {expected}: somebody "
            "moved it; read the collection again and decide anew"
        )
