"""A collection, and its row in the catalog: read, made, locked.

Works in a transaction of the caller's. What may be done with collections is `collections`', their
counters `counters`'.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from molt.index.catalog.aliases import refuse_alias
from molt.index.catalog.fields import check_field_name
from molt.index.catalog.storage.database import Database
from molt.index.catalog.tables import collections
from molt.index.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    InvalidNameError,
    PreconditionFailedError,
)
from molt.index.passages.splitting import Splitting
from molt.index.ranking.ranking import SearchRanking

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
_EMPTY = MappingProxyType({"revision": 0, "next_ordinal": 0, "documents": 0, "expired": 0})


@dataclass(frozen=True)
class Collection:
    """A collection as it was when it was read.

    `revision` counts its changes, `documents` its live documents; `generation` is what its pointer
    names (None before anything is indexed), `epoch` how often the pointer was moved. Documents
    expire by the date in `expiry_field` of their metadata, where that is set (`expiries`), and
    `expired` have gone so. `ranking` is how its searches rank, None as nobody has tuned it.
    `analysis` is the JSON of how its texts become terms, None by default. Long texts are split by
    `splitting` in generations that are made from now on, None for not at all.
    """

    id: int
    name: str
    created_at: datetime
    revision: int
    documents: int
    generation: str | None
    epoch: int
    expiry_field: str | None
    expired: int
    ranking: SearchRanking | None
    analysis: str | None
    splitting: Splitting | None


def require_revision(collection: Collection, match: frozenset[int] | None) -> None:
    """Raise `PreconditionFailedError` unless it has one of these revisions, or any will do."""
    if match is not None and collection.revision not in match:
        raise PreconditionFailedError(
            f"the collection {collection.name!r} has been changed, it is at revision "
            f"{collection.revision}; read it again and decide anew",
            revision=collection.revision,
        )


def read_collections(connection: Connection) -> tuple[Collection, ...]:
    """All collections by name, as a transaction of the caller sees them."""
    found = connection.execute(_COLUMNS.order_by(collections.c.name))
    return tuple(_collection(row) for row in found)


def find_collection(connection: Connection, name: str) -> Collection:
    """One collection. Raises `CollectionNotFoundError`."""
    return _read(connection, name, query=_COLUMNS)


def lock_collection(connection: Connection, name: str) -> Collection:
    """One collection, of which nobody else writes anything until the transaction ends.

    Raises `CollectionNotFoundError`.
    """
    return _read(connection, name, query=_COLUMNS.with_for_update())


def add_collection(  # noqa: PLR0913  each by name
    database: Database,
    connection: Connection,
    name: str,
    *,
    expiry_field: str | None = None,
    splitting: Splitting | None = None,
    carried: Mapping[str, Any] = _EMPTY,
) -> Collection:
    """Make a collection; of one that it is a copy of, counters and settings are `carried` over.

    Raises `InvalidNameError`, `InvalidFieldError`, `CollectionExistsError` and `NameTakenError`.
    """
    if not _NAME.fullmatch(name):
        raise InvalidNameError(
            f"{name[:80]!r} cannot name a collection: use 1 to 63 of a-z, 0-9, _ and -, and "
            "start with a letter or a digit"
        )
    if expiry_field is not None:
        check_field_name(expiry_field, field="expiry_field")
    row = {"name": name, "created_at": datetime.now(UTC), "epoch": 0, "expiry_field": expiry_field}
    row["splitting"] = splitting
    row |= carried
    if not database.try_insert(connection, collections, row):
        raise CollectionExistsError(f"there is a collection {name!r} already")
    refuse_alias(database, connection, name)
    return find_collection(connection, name)


_COLUMNS = select(*(collections.c[field.name] for field in fields(Collection)))


def _read(connection: Connection, name: str, *, query: Select[tuple[Any, ...]]) -> Collection:
    row = None
    if _NAME.fullmatch(name):
        row = connection.execute(query.where(collections.c.name == name)).one_or_none()
    if row is None:
        raise CollectionNotFoundError(f"there is no collection {name[:80]!r}; create it first")
    return _collection(row)


def _collection(row: Row[tuple[Any, ...]]) -> Collection:
    return Collection(**row._asdict())
