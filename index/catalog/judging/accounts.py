"""Accounts of test splits: which candidates were judged on one, and at what level each.

Whoever looks at the same queries often enough finds by chance what is not there. So each candidate
that is judged spends a part of what may be left to chance, and that is written down here before
anything is told. Which part is for whoever judges to say.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from molt.index.catalog import tables
from molt.index.catalog.collection import Collection as CatalogCollection
from molt.index.catalog.rows.counters import lock_counters
from molt.index.catalog.storage.database import Database

_HASH_BYTES = 8
_ACCOUNTS = tables.split_accounts.c
_SPENDINGS = tables.spendings.c


@dataclass(frozen=True)
class JudgedSplit:
    """The queries of a test split: each by a hash of 8 bytes, and all they say by one `digest`."""

    digest: str
    queries: frozenset[bytes]


@dataclass(frozen=True)
class Spending:
    """A candidate judged against a baseline: the `attempt`-th of its account, at `level`.

    `digest` is that of the split. `gained` says whether a gain was shown, and `report` by what;
    both are None until that is told.
    """

    account: int
    attempt: int
    level: float
    candidate: str
    baseline: str
    digest: str
    at: datetime
    gained: bool | None = None
    report: str | None = None


@dataclass(frozen=True)
class SplitAccount:
    """What was spent on a test split since `opened_at`, when it was `split`; in that order."""

    number: int
    opened_at: datetime
    split: JudgedSplit
    spendings: tuple[Spending, ...] = ()

    def known(self, queries: Collection[bytes]) -> int:
        """How many of these were in the split already when the account was opened."""
        return len(self.split.queries.intersection(queries))

    def covers(self, queries: Collection[bytes], *, renew_share: float) -> bool:
        """Is it still the account of these: are fewer than `renew_share` of them new?"""
        return len(queries) - self.known(queries) < renew_share * len(queries)

    def before(self, attempt: int) -> Spending | None:
        """The attempt before this one, if it is not the first."""
        return self.spendings[attempt - 2] if attempt > 1 else None

    def spent_on(self, split: JudgedSplit, candidate: str, baseline: str) -> Spending | None:
        """What was spent on this very comparison, if it was made already."""
        made = (split.digest, candidate, baseline)
        spent = (one for one in self.spendings if (one.digest, one.candidate, one.baseline) == made)
        return next(spent, None)


LevelOf = Callable[[int, Spending | None], float]
"""At what level an attempt is judged, by its number and the one before it in the account."""


class SplitAccounts:
    """The accounts of all collections."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, collection: CatalogCollection) -> tuple[SplitAccount, ...]:
        """Those of a collection, the newest first."""
        with self._database.reading() as connection:
            return _read(connection, collection)

    def spend(  # noqa: PLR0913  each by name
        self,
        collection: CatalogCollection,
        split: JudgedSplit,
        *,
        candidate: str,
        baseline: str,
        renew_share: float,
        level_of: LevelOf,
    ) -> tuple[SplitAccount, Spending]:
        """Write down that a candidate is judged on a split; the account, and what was spent.

        The same comparison spends once: again, it gets what it got, or the level that `level_of`
        gives it now where that is lower. Where `renew_share` of the queries or
        more are new to every account, another one is opened. Raises `CollectionNotFoundError`.
        """
        with self._database.writing() as connection:
            lock_counters(connection, collection)
            accounts = _read(connection, collection)
            found = (one for one in accounts if one.covers(split.queries, renew_share=renew_share))
            account = next(found, None) or _open(connection, collection, split, len(accounts))
            former = account.spent_on(split, candidate, baseline)
            if former is not None:
                level = min(former.level, level_of(former.attempt, account.before(former.attempt)))
                return account, replace(former, level=level)
            attempt = len(account.spendings) + 1
            level = level_of(attempt, account.before(attempt))
            now = datetime.now(UTC)
            made = Spending(account.number, attempt, level, candidate, baseline, split.digest, now)
            row = {"collection_id": collection.id, **vars(made)}
            connection.execute(insert(tables.spendings), row)
            return replace(account, spendings=(*account.spendings, made)), made

    def tell(
        self,
        collection: CatalogCollection,
        account: int,
        attempt: int,
        *,
        gained: bool,
        report: str,
    ) -> None:
        """Write down what came of an attempt; of one that is judged again only the report."""
        own = (
            _SPENDINGS.collection_id == collection.id,
            _SPENDINGS.account == account,
            _SPENDINGS.attempt == attempt,
        )
        with self._database.writing() as connection:
            told = update(tables.spendings).where(*own).values(report=report)
            connection.execute(told)
            first = update(tables.spendings).where(*own, _SPENDINGS.gained.is_(None))
            connection.execute(first.values(gained=int(gained)))

    def latest_report(self, collection: CatalogCollection) -> str | None:
        """By which report an attempt on any account of a collection was told last."""
        own = (_SPENDINGS.collection_id == collection.id, _SPENDINGS.report.is_not(None))
        latest = select(_SPENDINGS.report).where(*own).order_by(_SPENDINGS.at.desc()).limit(1)
        with self._database.reading() as connection:
            return connection.scalar(latest)

    def by_report(self, collection: CatalogCollection) -> Mapping[str, Spending]:
        """What of a collection was told, by the id of the report that told it."""
        query = select(tables.spendings).where(
            _SPENDINGS.collection_id == collection.id, _SPENDINGS.report.is_not(None)
        )
        with self._database.reading() as connection:
            return {row.report: _spending(row) for row in connection.execute(query)}


def _read(connection: Connection, collection: CatalogCollection) -> tuple[SplitAccount, ...]:
    own = select(tables.spendings).where(_SPENDINGS.collection_id == collection.id)
    spent: dict[int, list[Spending]] = {}
    for row in connection.execute(own.order_by(_SPENDINGS.account, _SPENDINGS.attempt)):
        spent.setdefault(row.account, []).append(_spending(row))
    found = select(tables.split_accounts).where(_ACCOUNTS.collection_id == collection.id)
    return tuple(
        SplitAccount(
            row.number,
            row.opened_at,
            JudgedSplit(row.digest, _hashes(row.queries)),
            tuple(spent.get(row.number, ())),
        )
        for row in connection.execute(found.order_by(_ACCOUNTS.number.desc()))
    )


def _open(
    connection: Connection, collection: CatalogCollection, split: JudgedSplit, accounts: int
) -> SplitAccount:
    made = SplitAccount(accounts + 1, datetime.now(UTC), split)
    row = {
        "collection_id": collection.id,
        "number": made.number,
        "opened_at": made.opened_at,
        "digest": split.digest,
        "queries": b"".join(sorted(split.queries)),
    }
    connection.execute(insert(tables.split_accounts), row)
    return made


def _hashes(kept: bytes) -> frozenset[bytes]:
    places = range(0, len(kept), _HASH_BYTES)
    return frozenset(kept[at : at + _HASH_BYTES] for at in places)


def _spending(row: Row[Any]) -> Spending:
    gained = None if row.gained is None else bool(row.gained)
    return Spending(
        row.account,
        row.attempt,
        row.level,
        row.candidate,
        row.baseline,
        row.digest,
        row.at,
        gained,
        row.report,
    )
