"""What columns hold that no database has of its own, and what columns of many tables share."""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
)

from molt.artifact import canonical_json
from molt.index.passages.splitting import Splitting, parse_splitting
from molt.index.ranking.ranking import SearchRanking, parse_ranking

Identifier = Text().with_variant(Text(collation="C"), "postgresql")
"""Ids sort by code point everywhere; PostgreSQL would otherwise sort them by its locale."""

Serial = BigInteger().with_variant(Integer(), "sqlite")

catalog_metadata = MetaData()
"""All tables of the catalog, once `tables` is imported."""


def owner_column(*, primary: bool) -> Column[Any]:
    """The collection that a row belongs to, and goes with."""
    target = ForeignKey("collections.id", ondelete="CASCADE")
    return Column("collection_id", Serial, target, primary_key=primary, nullable=False)


class Moment(TypeDecorator[datetime]):
    """An aware `datetime`, UTC when it comes back; SQLite, which knows no zones, keeps none."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC."""
        del dialect
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Give SQLite's the zone back; PostgreSQL's may be in any."""
        del dialect
        if value is None:
            return None
        moment: datetime = value
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


class Fraction(TypeDecorator[float]):
    """A float kept as the digits that are exactly it, which no version of a database rounds."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> str | None:
        """The shortest digits that stand for it."""
        del dialect
        return None if value is None else repr(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> float | None:
        """The float that they stand for."""
        del dialect
        return None if value is None else float(value)


class RankingColumn(TypeDecorator[SearchRanking]):
    """A ranking as JSON; null where the default one is meant."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: SearchRanking | None, dialect: Dialect) -> str | None:
        """Its JSON."""
        del dialect
        return None if value is None else canonical_json(value.describe()).decode()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> SearchRanking | None:
        """Raises `InvalidFieldError` for what no version has written."""
        del dialect
        return None if value is None else parse_ranking(json.loads(value))


class SplittingColumn(TypeDecorator[Splitting]):
    """How texts are split, as JSON; null where they are not."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Splitting | None, dialect: Dialect) -> str | None:
        """Its JSON."""
        del dialect
        return None if value is None else canonical_json(value.describe()).decode()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Splitting | None:
        """Raises `InvalidFieldError` for what no version has written."""
        del dialect
        return None if value is None else parse_splitting(json.loads(value))
