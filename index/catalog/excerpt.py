"""An excerpt: one collection of a catalog, as it stood at one moment, in a catalog of its own.

What a long job learns from and judges by must not change under it, and must be the same when the
job is resumed.
"""

from pathlib import Path

from sqlalchemy import URL

from molt.artifact import sync_directory
from molt.index.catalog import tables
from molt.index.catalog.catalog import Catalog, open_catalog
from molt.index.catalog.copying import copy_catalog

_COPIED = (
    tables.collections,
    tables.documents,
    tables.queries,
    tables.judgments,
    tables.pairs,
)


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
            copy_catalog(source, target, collections=[collection.id], only=_COPIED)
    finally:
        copied.close()
