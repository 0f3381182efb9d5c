"""Deleting: rows of documents go, their ordinals are buried, each under a revision of its own.

Works inside a transaction of its caller, which has locked the counters.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from molt.index.catalog.collection import Collection
from molt.index.catalog.rows.counters import Counters, write_counters
from molt.index.catalog.rows.reading import documents_of
from molt.index.catalog.storage.database import chunks
from molt.index.catalog.tables import documents, tombstones


def delete_rows(
    connection: Connection, collection: Collection, counters: Counters, ordinals: Sequence[int]
) -> Counters:
    """Delete the documents at these ordinals, which exist; the counters afterwards."""
    if not ordinals:
        return counters
    for chunk in chunks(ordinals):
        chosen = documents.c.ordinal.in_(chunk)
        connection.execute(delete(documents).where(documents_of(collection), chosen))
    graves = [
        {"collection_id": collection.id, "ordinal": ordinal, "revision": revision}
        for revision, ordinal in enumerate(ordinals, counters.revision + 1)
    ]
    connection.execute(insert(tombstones), graves)
    after = counters.moved(changed=0, deleted=len(ordinals))
    write_counters(connection, collection, after)
    return after


def unchanged_since(
    connection: Connection, collection: Collection, ordinals: Sequence[int], *, revision: int
) -> list[int]:
    """Those of the ordinals whose documents exist and were not changed after `revision`."""
    query = select(documents.c.ordinal).where(
        documents_of(collection), documents.c.revision <= revision
    )
    return [
        ordinal
        for chunk in chunks(ordinals)
        for ordinal in connection.scalars(query.where(documents.c.ordinal.in_(chunk)))
    ]
