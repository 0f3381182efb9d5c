"""An excerpt: one collection of a catalog, as it stood at one moment, in a catalog of its own.

What a long job learns from and judges by must not change under it, and must be the same when the
job is resumed.
"""

from pathlib import Path

from molt.artifact import sync_directory
from molt.index.catalog import tables
from molt.index.catalog.catalog import Catalog, sqlite_url
from molt.index.catalog.copies.copying import reading_state

_COPIED = (
    tables.collections,
    tables.documents,
    tables.queries,
    tables.judgments,
    tables.pairs,
    tables.synonyms,
)


def write_excerpt(catalog: Catalog, name: str, path: Path) -> str:
    """Copy a collection's documents and relevance data to an SQLite catalog at `path`; its URL.

    Its synonyms go with them, since searches are tuned by it. An excerpt that is there already is
    left as it is. Raises `CollectionNotFoundError`.
    """
    if not path.exists():
        catalog.collections.get(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.unfinished")
        for stale in path.parent.glob(f"{unfinished.name}*"):
            stale.unlink()
        with reading_state(catalog, only=[name]) as state:
            state.write(unfinished, only=_COPIED)
        unfinished.rename(path)
        sync_directory(path.parent)
    return sqlite_url(path)
