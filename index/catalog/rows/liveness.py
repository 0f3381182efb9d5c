"""Liveness: which ordinals of a collection hold a document, and since which revision.

The catalog's word on which rows of a generation may answer; the generation itself is not known
here.
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Table, select

from molt.index.catalog.collection import Collection
from molt.index.catalog.tables import collections, documents, tombstones
from molt.index.errors import CollectionNotFoundError


@dataclass(frozen=True)
class Liveness:
    """What changed after some revision, up to `revision`.

    `ordinals` (n,) int64 and `revisions` (n,) int64 of the live documents, in the order of their
    revisions; `deleted` (m,) int64, the ordinals that were deleted.
    """

    ordinals: npt.NDArray[np.int64]
    revisions: npt.NDArray[np.int64]
    deleted: npt.NDArray[np.int64]
    revision: int


def read_liveness(connection: Connection, collection: Collection, *, after: int) -> Liveness:
    """Everything that changed after a revision. Raises `CollectionNotFoundError`."""
    columns = collections.c
    revision = connection.scalar(select(columns.revision).where(columns.id == collection.id))
    if revision is None:
        raise CollectionNotFoundError(f"the collection {collection.name!r} has been deleted")
    live = _changes(connection, documents, collection, after)
    dead = _changes(connection, tombstones, collection, after)
    return Liveness(live[0], live[1], dead[0], revision)


def _changes(
    connection: Connection, table: Table, collection: Collection, after: int
) -> npt.NDArray[np.int64]:
    query = select(table.c.ordinal, table.c.revision).order_by(table.c.revision)
    query = query.where(table.c.collection_id == collection.id, table.c.revision > after)
    # The driver's own tuples: wrapping each in a Row would take most of the time.
    rows = connection.execute(query).cursor.fetchall()
    flat = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=2 * len(rows))
    return np.ascontiguousarray(flat.reshape(-1, 2).T)
