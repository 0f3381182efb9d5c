"""An excerpt: one collection of a catalog, as it stood at one moment, in a catalog of its own.

What a long job learns from and judges by must not change under it, and must be the same when the
job is resumed.
"""

from pathlib import Path

from sqlalchemy import URL, insert, select

from molt.artifact import sync_directory
from molt.index.catalog import tables
from molt.index.catalog.catalog import Catalog, open_catalog

_COPIED = (tables.documents, tables.queries, tables.judgments, tables.pairs)
_CHUNK = 2000


def excerpt(catalog: Catalog, name: str, path: Path) -> str:
    """Copy a collection's documents and relevance data to an SQLite catalog at `path`; its URL.

    An excerpt that is there already is left as it is. Raises `CollectionNotFoundError`.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.unfinished")
        for stale in path.parent.glob(f"{unfinished.name}*"):
            stale.unlink()
        _copy(catalog, name, _url(unfinished))
        unfinished.rename(path)
        sync_directory(path.parent)
    return _url(path)


def _url(path: Path) -> str:
    return URL.create("sqlite", database=str(path)).render_as_string(hide_password=False)


def _copy(catalog: Catalog, name: str, url: str) -> None:
    collection = catalog.collections.get(name)
    copied = open_catalog(url)
    try:
        with catalog.database.reading() as source, copied.database.writing() as target:
            columns = tables.collections
            row = source.execute(select(columns).where(columns.c.id == collection.id)).one()
            target.execute(insert(columns), row._asdict())
            for table in _COPIED:
                found = source.execute(select(table).where(table.c.collection_id == collection.id))
                for rows in found.partitions(_CHUNK):
                    target.execute(insert(table), [each._asdict() for each in rows])
    finally:
        copied.close()
