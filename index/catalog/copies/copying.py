"""Copying: the rows of one catalog into another, of any two databases, as they stood at one moment.

Numbers stay what they are: ids, ordinals and revisions are what generations refer to. Works in
transactions of its caller.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Collection as AnyCollection
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, Table, insert, select

from molt.index.catalog import tables
from molt.index.catalog.catalog import Catalog, open_catalog, sqlite_url
from molt.index.catalog.collection import Collection, add_collection, read_collections
from molt.index.catalog.collections import Move
from molt.index.catalog.judging.experiments.tables import experiments, impressions
from molt.index.errors import CollectionNotFoundError

_CHUNK = 2000
"""So many rows are held in memory at once."""

Counted = Callable[[int], None]
"""Told how many rows have been copied since it was last told."""

LASTING = tuple(
    table
    for table in tables.metadata.sorted_tables
    if table not in {tables.builds, tables.checksums}
)
"""What of a catalog is worth keeping: a build ends with its job, a checksum is its database's."""
_OWN = (tables.collections, tables.releases, tables.failures, experiments, impressions)
"""What a collection is and went through, which a copy of it under another name did not."""


_CARRIED = (
    *("revision", "next_ordinal", "documents", "expiry_revision", "expired"),
    *("ranking", "analysis", "splitting"),
)
"""What of a collection's row a copy begins with."""


def uncounted(rows: int) -> None:
    """For whoever does not watch."""


@dataclass(frozen=True)
class CatalogState:
    """One consistent state of a catalog: `collections`, what aliases stand for, and the checkpoints
    that are `named`.
    """

    connection: Connection
    collections: tuple[Collection, ...]
    aliased: frozenset[str]
    named: frozenset[str]

    def write(
        self, path: Path, *, only: Sequence[Table] = LASTING, counted: Counted = uncounted
    ) -> None:
        """Copy it to a new SQLite catalog at `path`, or `only` some tables of it."""
        chosen = [each.id for each in self.collections]
        with (
            closing(open_catalog(sqlite_url(path))) as copied,
            copied.database.writing() as target,
        ):
            copy_catalog(self.connection, target, collections=chosen, only=only, counted=counted)


@contextmanager
def reading_state(catalog: Catalog, *, only: AnyCollection[str] = ()) -> Iterator[CatalogState]:
    """The catalog as it stands when the block begins, or `only` collections of these names in it.

    Nobody who writes waits for it.
    """
    with catalog.database.reading() as connection:
        found = read_collections(connection)
        chosen = tuple(each for each in found if not only or each.name in only)
        aliased = frozenset(connection.scalars(select(tables.aliases.c.checkpoint)))
        named = frozenset(connection.scalars(select(tables.checkpoint_names.c.checkpoint)))
        yield CatalogState(connection, chosen, aliased, named)


def copy_catalog(
    source: Connection,
    target: Connection,
    *,
    collections: Sequence[int],
    only: Sequence[Table] = LASTING,
    counted: Counted = uncounted,
) -> None:
    """Copy what belongs to these collections, by their ids, and what belongs to none."""
    for table in only:
        query, owner = select(table), _owner(table)
        if owner is not None:
            query = query.where(owner.in_(collections))
        _copy(source, target, table, query=query, counted=counted)


@contextmanager
def copying_collection(
    source: Catalog, target: Catalog, *, name: str, new_name: str, counted: Counted = uncounted
) -> Iterator[Move]:
    """Copy a collection under another name; yields its pointer, in the transaction that makes it.

    The pointer names nothing yet, and its history is empty. Other writers wait meanwhile, and where
    the block raises nothing is kept. Raises `CollectionNotFoundError`, `CollectionExistsError` and
    `InvalidNameError`.
    """
    with source.database.reading() as reading, target.database.writing() as writing:
        columns = tables.collections.c
        row = reading.execute(select(tables.collections).where(columns.name == name)).one_or_none()
        if row is None:
            raise CollectionNotFoundError(f"there is no collection {name[:80]!r} to copy")
        made = add_collection(
            target.database,
            writing,
            new_name,
            expiry_field=row.expiry_field,
            carried={key: getattr(row, key) for key in _CARRIED},
        )
        _copy_contents(reading, writing, collection=row.id, made=made, counted=counted)
        yield Move(writing, made)


def _copy_contents(
    source: Connection, target: Connection, *, collection: int, made: Collection, counted: Counted
) -> None:
    for table in LASTING:
        owner = _owner(table)
        if owner is None or table in _OWN:
            continue
        numbered = "id" in table.c  # by the whole catalog, which has its own numbers
        kept = [column for column in table.c if not (numbered and column.name == "id")]
        query = select(*kept).where(owner == collection)
        if numbered:
            query = query.order_by(table.c.id)
        changes = {"collection_id": made.id}
        _copy(source, target, table, query=query, changes=changes, counted=counted)


def _owner(table: Table) -> Any:
    """The column that says which collection a row belongs to, or None."""
    return table.c.id if table is tables.collections else table.c.get("collection_id")


def _copy(  # noqa: PLR0913  each by name
    source: Connection,
    target: Connection,
    table: Table,
    *,
    query: Select[Any],
    counted: Counted,
    changes: Mapping[str, Any] | None = None,
) -> None:
    found = source.execute(query.execution_options(yield_per=_CHUNK))
    changed = changes or {}
    for rows in found.mappings().partitions(_CHUNK):
        target.execute(insert(table), [{**row, **changed} for row in rows])
        counted(len(rows))
