"""The upsert: which of the given documents change anything, and under which numbers they are kept.

Works inside a transaction of its caller on documents that have been checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from molt.index.catalog.collection import Collection
from molt.index.catalog.rows.counters import lock_counters, write_counters
from molt.index.catalog.rows.reading import CONTENT
from molt.index.catalog.storage.database import chunks
from molt.index.catalog.tables import documents


@dataclass(frozen=True)
class Upserted:
    """The collection's revision afterwards, and that of each document by its id."""

    revision: int
    revisions: Mapping[str, int]


@dataclass(frozen=True)
class _Kept:
    revision: int
    content: tuple[str, ...]


def upsert_rows(
    connection: Connection, collection: Collection, rows: Mapping[str, Mapping[str, Any]]
) -> Upserted:
    """Keep the rows, by document id. Raises `CollectionNotFoundError`."""
    counters = lock_counters(connection, collection)
    kept = _read_contents(connection, collection, list(rows))
    differing = [
        row
        for doc_id, row in rows.items()
        if doc_id not in kept or _content(row) != kept[doc_id].content
    ]
    changed = [
        {**row, "collection_id": collection.id, "revision": revision}
        for revision, row in enumerate(differing, counters.revision + 1)
    ]
    added = [row for row in changed if row["doc_id"] not in kept]
    _insert(connection, added, first_ordinal=counters.next_ordinal)
    update_rows(connection, [row for row in changed if row["doc_id"] in kept], CONTENT)
    after = counters.moved(changed=len(changed), added=len(added))
    write_counters(connection, collection, after)
    revisions = {doc_id: one.revision for doc_id, one in kept.items()}
    return Upserted(after.revision, revisions | {row["doc_id"]: row["revision"] for row in changed})


def _content(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in CONTENT)


def _read_contents(
    connection: Connection, collection: Collection, doc_ids: Sequence[str]
) -> dict[str, _Kept]:
    columns = (documents.c[name] for name in ("doc_id", "revision", *CONTENT))
    query = select(*columns).where(documents.c.collection_id == collection.id)
    return {
        doc_id: _Kept(revision, tuple(content))
        for chunk in chunks(doc_ids)
        for doc_id, revision, *content in connection.execute(
            query.where(documents.c.doc_id.in_(chunk))
        )
    }


def _insert(connection: Connection, rows: Sequence[dict[str, Any]], *, first_ordinal: int) -> None:
    numbered = [row | {"ordinal": ordinal} for ordinal, row in enumerate(rows, first_ordinal)]
    if numbered:
        connection.execute(insert(documents), numbered)


def update_rows(
    connection: Connection, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> None:
    """Write these columns, and the revision, of documents that exist."""
    written = (*columns, "revision")
    statement = (
        update(documents)
        .where(documents.c.collection_id == bindparam("in_collection"))
        .where(documents.c.doc_id == bindparam("of_document"))
        .values({name: bindparam(name) for name in written})
    )
    values = [
        {name: row[name] for name in written}
        | {"in_collection": row["collection_id"], "of_document": row["doc_id"]}
        for row in rows
    ]
    if values:
        connection.execute(statement, values)
