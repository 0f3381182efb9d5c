"""A lost catalog: none, or one of no bytes, beside generations of collections that it held.

Whoever made a new one there would take those for nobody's, and remove them.
"""

from molt.artifact import Home
from molt.index.catalog.catalog import Catalog, open_catalog, sqlite_path
from molt.index.catalog.storage.wal import wal_flaw
from molt.index.errors import CatalogError

DAMAGED_LOG = (
    "restore a backup with `molt restore`; or, to go on without what was written last, copy both "
    "files away and open the catalog with `sqlite3` once"
)


def lost_catalog(home: Home, catalog_url: str) -> str | None:
    """What is wrong, and what helps; None where the catalog is there, or none is needed yet."""
    path = sqlite_path(catalog_url)
    if path is None or not is_new(catalog_url) or not home.generations.is_dir():
        return None
    from molt.index.generations.generation import GenerationStore  # noqa: PLC0415  loads FAISS

    count = len(GenerationStore(home.generations).ids())
    if not count:
        return None
    how = "is empty" if path.exists() else "is missing"
    generations = "1 generation" if count == 1 else f"{count} generations"
    return (
        f"{how}, but there are {generations}, of collections that it held: restore a backup into "
        f"an empty directory with `molt restore`, and keep {home.generations} as it is until then"
    )


def refuse_lost_catalog(home: Home, catalog_url: str) -> None:
    """Raise `CatalogError` where opening it would lose something for good.

    That is where a new catalog would take the place of a lost one, and where SQLite would drop
    what stands in a damaged log.
    """
    path, lost = sqlite_path(catalog_url), lost_catalog(home, catalog_url)
    if lost is not None:
        raise CatalogError(f"{path} {lost}")
    flaw = None if path is None else wal_flaw(path)
    if flaw is not None:
        raise CatalogError(f"{path}: {flaw}: {DAMAGED_LOG}")


def open_home_catalog(home: Home, catalog_url: str) -> Catalog:
    """The catalog of a home, made where there is none yet.

    Raises `CatalogError` where it was lost, or its log is damaged, and as `open_catalog` does.
    """
    refuse_lost_catalog(home, catalog_url)
    return open_catalog(catalog_url)


def is_new(catalog_url: str) -> bool:
    """Is there no catalog, or one that nothing was ever written to?"""
    path = sqlite_path(catalog_url)
    return path is not None and not (path.exists() and path.stat().st_size)
